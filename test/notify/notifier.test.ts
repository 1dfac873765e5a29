import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { type DurationMs, PERMANENT, type UnixMs } from "../../src/model/time.ts";
import type { Notice } from "../../src/notify/notice.ts";
import { type NotificationSettings, Notifier } from "../../src/notify/notifier.ts";

const PATIENT = { timeout: 60_000 };

const notice = (text: string, fields: Partial<Notice> = {}): Notice => ({
  at: Date.UTC(2026, 10, 20, 12) as UnixMs,
  severity: "high",
  signal: "ban.decided",
  text,
  ...fields,
});

interface Taken {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A service that takes messages, and answers each with the next of `statuses` and then with 200. */
async function service(...statuses: number[]) {
  const taken: Taken[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (piece: string) => {
      body += piece;
    });
    request.on("end", () => {
      taken.push({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 200, { location: "http://127.0.0.1:1/" }).end("ignored");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path`,
    taken,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A port on which nobody listens any more. */
async function closed() {
  await using gone = await service();
  return { url: gone.url };
}

function notifying(settings: Partial<NotificationSettings> & Pick<NotificationSettings, "to">) {
  const notifier = new Notifier({ host: "www1", dashboard: null }, () => {}, 20);
  notifier.use([{ minSeverity: "high", every: 60_000 as DurationMs, ...settings }]);
  return notifier;
}
const bodies = (taken: readonly Taken[]) =>
  taken.map(({ body }) => JSON.parse(body) as Record<string, unknown>);

describe("a notifier", () => {
  test("makes one message of what happens together, with the gravest severity and the number of all", async () => {
    await using hook = await service();
    using notifier = notifying({ to: "webhook", url: hook.url });
    for (let ban = 0; ban < 1_000; ban++) notifier.tell(notice(`ban ${ban}`));
    notifier.tell(notice("the disk is full", { severity: "critical", signal: "problem.appeared" }));
    await vi.waitFor(() => expect(hook.taken).toHaveLength(1), PATIENT);
    const [message] = bodies(hook.taken);
    expect(message).toMatchObject({
      version: 1,
      host: "www1",
      severity: "critical",
      title: "Sekisho on www1: 1001 events (critical)",
      count: 1_001,
    });
    expect(message!.notices).toHaveLength(20);
    expect((message!.notices as unknown[])[0]).toEqual({
      at: "2026-11-20T12:00:00.000Z",
      severity: "high",
      signal: "ban.decided",
      text: "ban 0",
    });
  });

  test("sends the next message when the rest is over, with what came meanwhile", async () => {
    await using hook = await service();
    using notifier = notifying({ to: "webhook", url: hook.url, every: 200 as DurationMs });
    notifier.tell(notice("first"));
    await vi.waitFor(() => expect(hook.taken).toHaveLength(1), PATIENT);
    notifier.tell(notice("second"));
    notifier.tell(notice("third"));
    await vi.waitFor(() => expect(hook.taken).toHaveLength(2), PATIENT);
    expect(bodies(hook.taken)[1]).toMatchObject({ count: 2, title: "Sekisho on www1: 2 bans (high)" });
  });

  test("rests however long it is told to: one message where `every` is longer than any timer runs", async () => {
    await using hook = await service();
    using notifier = notifying({ to: "webhook", url: hook.url, every: PERMANENT });
    notifier.tell(notice("first"));
    await vi.waitFor(() => expect(hook.taken).toHaveLength(1), PATIENT);
    for (let more = 0; more < 5; more++) {
      notifier.tell(notice("later"));
      await sleep(20);
    }
    expect(hook.taken).toHaveLength(1);
  });

  test("leaves out what is not severe enough", async () => {
    await using hook = await service();
    using notifier = notifying({ to: "webhook", url: hook.url, every: 1 as DurationMs });
    notifier.tell(notice("a small one", { severity: "medium" }));
    notifier.tell(notice("a grave one", { severity: "critical" }));
    await vi.waitFor(() => expect(hook.taken).toHaveLength(1), PATIENT);
    expect(bodies(hook.taken)).toMatchObject([{ count: 1, severity: "critical" }]);
  });

  test("tries again when a message is not taken, and says so meanwhile without the secret", async () => {
    await using hook = await service(500);
    using notifier = notifying({ to: "slack", url: hook.url });
    notifier.tell(notice("ban"));
    await vi.waitFor(() => expect(notifier.statuses()[0]!.problem).not.toBeNull(), PATIENT);
    const [{ problem }] = notifier.statuses() as [ReturnType<Notifier["statuses"]>[number]];
    expect(problem).toMatchObject({
      code: "NOTIFY_FAILED",
      message: expect.stringMatching(/^slack at .* it answered 500$/),
    });
    expect(problem!.message).not.toContain("secret-path");
    await vi.waitFor(() => expect(hook.taken).toHaveLength(2), PATIENT);
    const told = [{ sent: 1, failed: 0, problem: null }];
    await vi.waitFor(() => expect(notifier.statuses()).toMatchObject(told), PATIENT);
  });

  test("follows no redirect, and says when nobody answers", async () => {
    await using hook = await service(307);
    using notifier = notifying({ to: "webhook", url: hook.url });
    notifier.tell(notice("ban"));
    await vi.waitFor(
      () => expect(notifier.statuses()[0]!.problem?.message).toMatch(/it answered 307$/),
      PATIENT,
    );
    const { url } = await closed();
    using nowhere = notifying({ to: "webhook", url });
    nowhere.tell(notice("ban"));
    await vi.waitFor(() => expect(nowhere.statuses()[0]!.problem?.message).toMatch(/ECONNREFUSED/), PATIENT);
  });

  test("is done at once, whatever waits", async () => {
    await using hook = await service();
    const notifier = notifying({ to: "webhook", url: hook.url });
    notifier.tell(notice("ban"));
    notifier[Symbol.dispose]();
    await sleep(60);
    expect(hook.taken).toEqual([]);
  });
});
