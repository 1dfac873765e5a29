import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { Sockets } from "../../src/evaluate/sockets.ts";
import type { AccessEvent, LogEvent, OpeningEvent } from "../../src/model/event.ts";
import type { SocketChange } from "../../src/model/socket.ts";
import { runs } from "../property.ts";
import { access, opening, socketEnd } from "./events.ts";
import {
  ANY,
  CLIENT,
  FOREIGN,
  FOREIGN_ORIGIN,
  fired,
  foreign,
  HANDSHAKE,
  LONG,
  REFUSED,
  rule,
  unended,
} from "./socket-rules.ts";

describe("what is judged when", () => {
  test("a rule that reads nothing of the end fires at the opening, while the socket is open", () => {
    expect(fired([FOREIGN_ORIGIN], [opening(CLIENT, 0, foreign)], [opening(CLIENT, 1, foreign)])).toEqual([
      `foreign-origin ${CLIENT} opens at 1`,
    ]);
  });

  test("the lines at the end of sockets that were judged are not judged by it again", () => {
    const opened = [opening(CLIENT, 0, foreign), opening(CLIENT, 30, foreign)];
    const ended = [socketEnd(CLIENT, 0, foreign), socketEnd(CLIENT, 30, foreign)];
    const rules = [FOREIGN_ORIGIN, HANDSHAKE, ANY];
    expect(fired(rules, opened, ended, [opening(CLIENT, 40, foreign)])).toHaveLength(rules.length);
    expect(
      fired(
        rules,
        opened,
        ended,
        [40, 41].map((second) => opening(CLIENT, second, foreign)),
      ),
    ).toHaveLength(6);
  });

  test("a rule that reads what only the end knows is judged at the end, and not at the opening", () => {
    const opened = [opening(CLIENT, 0), opening(CLIENT, 1)];
    const ended = [socketEnd(CLIENT, 0), socketEnd(CLIENT, 1)];
    expect(fired([LONG], opened)).toEqual([]);
    expect(fired([LONG], opened, ended)).toEqual([`long ${CLIENT} at 1 /ws`]);
    const refused = [0, 1].map((second) => socketEnd(CLIENT, second, { status: 403 }));
    expect(fired([REFUSED], opened, refused)).toEqual([`refused ${CLIENT} at 1 /ws`]);
  });

  test("a rule that counts different values of a field of the end is judged at the end", () => {
    const statuses = rule("statuses", { handshake: true }, { kind: "distinct", of: "status" });
    const opened = [opening(CLIENT, 0), opening(CLIENT, 1)];
    const ended = [socketEnd(CLIENT, 0), socketEnd(CLIENT, 1, { status: 403 })];
    expect(fired([statuses], opened)).toEqual([]);
    expect(fired([statuses], opened, ended)).toEqual([`statuses ${CLIENT} at 1 /ws`]);
  });

  test("without openings, lines at the end are judged as ever", () => {
    const ended = [socketEnd(CLIENT, 0, foreign), socketEnd(CLIENT, 1, foreign)];
    expect(fired([FOREIGN_ORIGIN], ended)).toEqual([`foreign-origin ${CLIENT} at 1 /ws`]);
  });

  test("where the line at the end is read first, it is judged, and the opening is not judged again", () => {
    const ended = [socketEnd(CLIENT, 0, foreign)];
    const opened = [opening(CLIENT, 0, foreign)];
    expect(fired([FOREIGN_ORIGIN], ended, opened)).toEqual([]);
    expect(fired([FOREIGN_ORIGIN], ended, opened, [opening(CLIENT, 9, foreign)])).toHaveLength(1);
  });

  test("an Origin is compared with the virtual host where no Host was sent", () => {
    const event = opening(CLIENT, 0, { host: null, origin: "https://site.example" });
    const evaluator = new Evaluator([FOREIGN_ORIGIN]);
    expect(evaluator.matching(event)).toEqual([]);
    expect(evaluator.matching({ ...event, origin: FOREIGN })).toEqual(["foreign-origin"]);
  });
});

describe("which lines belong together", () => {
  const isSecond = (opened: LogEvent, ended: ReturnType<typeof socketEnd>): boolean => {
    new Sockets().follow([opened, ended]);
    return ended.second;
  };

  test("those of one client that asked for the same thing at the same time, secrets aside", () => {
    const asked = { path: "/ws/room", query: "id=1&ticket=abc" };
    expect(isSecond(opening(CLIENT, 0.3, asked), socketEnd(CLIENT, 0, asked))).toBe(true);
    const [raw, shown] = [{ path: "/ws/a%20b%C3%A9" }, { path: "/ws/a b\xc3\xa9" }];
    expect(isSecond(opening(CLIENT, 0, raw), socketEnd(CLIENT, 0, shown))).toBe(true);
    expect(isSecond(opening(CLIENT, 0, foreign), socketEnd(CLIENT, 0))).toBe(false);
    expect(isSecond(opening("203.0.113.8", 0), socketEnd(CLIENT, 0))).toBe(false);
    expect(isSecond(opening(CLIENT, 0, { path: "/other" }), socketEnd(CLIENT, 0))).toBe(false);
    expect(isSecond(opening(CLIENT, 0, { query: "a" }), socketEnd(CLIENT, 0))).toBe(false);
  });

  test("an opening lies within the time that its request took, and headers may take a minute", () => {
    const long = { durationUs: 600_000_000 };
    expect(isSecond(opening(CLIENT, 55), socketEnd(CLIENT, 0, long))).toBe(true);
    expect(isSecond(opening(CLIENT, 62), socketEnd(CLIENT, 0, long))).toBe(false);
    expect(isSecond(opening(CLIENT, 5.9), socketEnd(CLIENT, 0))).toBe(true);
    expect(isSecond(opening(CLIENT, 7), socketEnd(CLIENT, 0))).toBe(false);
    const untold = { durationUs: undefined };
    expect(isSecond(opening(CLIENT, 1.9), socketEnd(CLIENT, 0, untold))).toBe(true);
    expect(isSecond(opening(CLIENT, 3), socketEnd(CLIENT, 0, untold))).toBe(false);
    expect(isSecond(opening(CLIENT, 1.2), socketEnd(CLIENT, 3.4, long))).toBe(false);
  });

  test("a handshake that was refused without an opening hides none that was accepted before or after it", () => {
    const refusal = socketEnd(CLIENT, 0.5, { status: 401, durationUs: 2_000 });
    for (const accepted of [opening(CLIENT, 0.4), opening(CLIENT, 0.6), opening(CLIENT, 3)]) {
      for (const lines of [
        [refusal, accepted],
        [accepted, refusal],
      ]) {
        refusal.second = false;
        const changes = new Sockets().follow(lines);
        expect(changes).toMatchObject([{ kind: "opened" }]);
        expect([accepted.second, refusal.second]).toEqual([false, false]);
      }
    }
  });

  test("an opening is judged where the line that was read first could not show where it came from, or was refused", () => {
    for (const first of [
      socketEnd(CLIENT, 0, { status: 401 }),
      socketEnd(CLIENT, 0, { origin: undefined, host: undefined }),
    ]) {
      const late = opening(CLIENT, 0.2);
      expect(new Sockets().follow([first, late]).map(({ kind }) => kind)).toEqual(["opened", "closed"]);
      expect(late.second).toBe(false);
    }
  });

  test("lines of sockets that were open before Apache told of openings swallow no new one", () => {
    const old = socketEnd(CLIENT, -41, { durationUs: 45_000_000 });
    const fresh = opening(CLIENT, 0);
    expect(new Sockets().follow([old, fresh])).toMatchObject([{ kind: "opened" }]);
    expect(fresh.second).toBe(false);
  });

  test("however many lines are alike, looking for the right one ends", () => {
    const sockets = new Sockets();
    for (let n = 0; n < 5_000; n++) sockets.follow([socketEnd(CLIENT, 0.5, { status: 401, durationUs: 1 })]);
    const accepted = Array.from({ length: 5_000 }, () => opening(CLIENT, 0.6));
    sockets.follow(accepted);
    expect(accepted.some(({ second }) => second)).toBe(false);
  });

  test("of several the nearest in time, so that each has its own lifetime", () => {
    const sockets = new Sockets();
    sockets.follow([0, 10, 20].map((second) => opening(CLIENT, second)));
    const changes = sockets.follow([10, 20, 0].map((second) => socketEnd(CLIENT, second)));
    expect(changes.map((change) => change.kind === "closed" && change.id)).toEqual([2, 3, 1]);
  });

  test("a request that is no handshake belongs to nothing", () => {
    const sockets = new Sockets();
    const request = access(CLIENT, 0, { path: "/ws" });
    expect(sockets.follow([opening(CLIENT, 0), request])).toMatchObject([{ kind: "opened" }]);
    expect(request.second).toBe(false);
  });

  test("in a log without Upgrade, a refusal at the same moment is the end of a handshake, before or after it", () => {
    const refusal = (seconds: number, upgrade: null | undefined) =>
      access(CLIENT, seconds, { path: "/ws", status: 403, upgrade });
    expect(isSecond(opening(CLIENT, 0.9), refusal(0, undefined))).toBe(true);
    expect(isSecond(opening(CLIENT, 3), refusal(0, undefined))).toBe(false);
    expect(isSecond(opening(CLIENT, 0), refusal(0, null))).toBe(false);
    const sockets = new Sockets();
    const late = opening(CLIENT, 10);
    const changes = sockets.follow([opening(CLIENT, 0, { path: "/other" }), refusal(10, undefined), late]);
    expect(changes.at(-1)).toMatchObject({ kind: "closed", end: { status: 403 } });
  });

  test("what a ban refused was never opened", () => {
    const refused = socketEnd(CLIENT, 0, { status: 403, refused: true });
    new Sockets().follow([opening(CLIENT, 0), refused]);
    expect(refused.second).toBe(false);
  });

  test("however the two logs are interleaved, exactly one line of each socket is judged", () => {
    const socket = fc.record({
      client: fc.constantFrom("203.0.113.7", "203.0.113.8", "2001:db8::7"),
      path: fc.constantFrom("/a", "/b"),
      // Where formats have whole seconds, many sockets bear one time.
      opened: fc.nat(40),
      lifetime: fc.nat(100_000),
    });
    fc.assert(
      fc.property(fc.array(socket, { maxLength: 40 }), fc.array(fc.boolean()), (all, turns) => {
        const errorLog = all
          .toSorted((a, b) => a.opened - b.opened)
          .map(({ client, path, opened }) => opening(client, opened + 0.2, { path }));
        const accessLog = all
          .toSorted((a, b) => a.opened + a.lifetime - b.opened - b.lifetime)
          .map(({ client, path, opened }) => socketEnd(client, opened, { path }));
        const lines: LogEvent[][] = [];
        const [openings, ends] = [[...errorLog], [...accessLog]];
        for (let turn = 0; openings.length + ends.length > 0; turn++) {
          const next = (turns[turn % (turns.length || 1)] ? openings : ends).shift();
          lines.push([next ?? (openings.shift() as LogEvent | undefined) ?? ends.shift()!]);
        }
        const sockets = new Sockets();
        const changes = lines.flatMap((events) => sockets.follow(events));
        const judged = [...errorLog, ...accessLog].filter(({ second }) => !second);
        expect(judged).toHaveLength(all.length);
        expect(changes.filter(({ kind }) => kind === "closed")).toHaveLength(all.length);
      }),
    );
  });

  test("however refused handshakes stand between them, no accepted one is hidden by a refused one", () => {
    const asked = fc.record({
      client: fc.constantFrom(CLIENT, "203.0.113.8"),
      origin: fc.constantFrom(null, FOREIGN),
      // Apache refuses before it tells of an opening, or the app after it.
      outcome: fc.constantFrom(
        "accepted" as const,
        "refused by Apache" as const,
        "refused by the app" as const,
      ),
      pause: fc.integer({ min: 20, max: 4_000 }),
      lifetime: fc.integer({ min: 10, max: 100_000 }),
    });
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 30 }), fc.array(fc.boolean()), (all, turns) => {
        let time = 1;
        const openings: OpeningEvent[] = [];
        const ends: (AccessEvent & { readonly writtenAt: number })[] = [];
        const accepted = new Set<OpeningEvent>();
        for (const { client, origin, outcome, pause, lifetime } of all) {
          time += pause;
          // A whole second is taken for a time that shows no more, so its record (no judgement) may be mixed up.
          if (time % 1_000 === 0 || time % 1_000 === 998) time++;
          const [seconds, tookMs] = [time / 1_000, outcome === "accepted" ? lifetime : 8];
          if (outcome !== "refused by Apache") {
            const opened = opening(client, seconds + 0.002, { origin });
            openings.push(opened);
            if (outcome === "accepted") accepted.add(opened);
          }
          const status = outcome === "accepted" ? 101 : 401;
          const end = socketEnd(client, seconds, { origin, status, durationUs: tookMs * 1_000 });
          ends.push(Object.assign(end, { writtenAt: time + tookMs }));
        }
        const [errorLog, accessLog] = [[...openings], ends.toSorted((a, b) => a.writtenAt - b.writtenAt)];
        const sockets = new Sockets();
        const changes: SocketChange[] = [];
        for (let turn = 0; errorLog.length + accessLog.length > 0; turn++) {
          const [log, other] = turns[turn % (turns.length || 1)]
            ? [errorLog, accessLog]
            : [accessLog, errorLog];
          changes.push(...sockets.follow([(log.shift() ?? other.shift())!]));
        }
        const opened = new Map(
          changes.flatMap((change) => (change.kind === "opened" ? [[change.id, change.event]] : [])),
        );
        for (const change of changes) {
          if (change.kind === "closed")
            expect(change.end.status === 101).toBe(accepted.has(opened.get(change.id)!));
        }
        const judged = [...accepted, ...ends.filter(({ status }) => status === 101)].filter(
          ({ second }) => !second,
        );
        expect(judged.length).toBeGreaterThanOrEqual(accepted.size);
        expect(changes.filter(({ kind }) => kind === "closed").length).toBe(openings.length);
      }),
      { numRuns: runs(300) },
    );
  });
});

describe("memory", () => {
  test("of too many open sockets the oldest is given up", () => {
    const sockets = new Sockets([], 1, 3);
    const changes = sockets.follow(
      [0, 1, 2, 3].map((second) => opening(CLIENT, second, { path: `/${second}` })),
    );
    expect(changes.at(-1)).toEqual({ kind: "given-up", id: 1 });
    const [first, last] = [0, 3].map((second) => socketEnd(CLIENT, second, { path: `/${second}` }));
    sockets.follow([first!, last!]);
    expect([first!.second, last!.second]).toEqual([false, true]);
  });

  test("of too many ends without an opening the oldest is forgotten", () => {
    const sockets = new Sockets([], 1, 3, 2);
    sockets.follow([0, 1, 2].map((second) => socketEnd(CLIENT, second, { path: `/${second}` })));
    const late = [0, 2].map((second) => opening(CLIENT, second, { path: `/${second}` }));
    sockets.follow(late);
    expect(late.map(({ second }) => second)).toEqual([false, true]);
  });

  test("sockets that were open at a restart, and ends whose opening is still to be read, are remembered", () => {
    const before = new Sockets();
    const [opened] = before.follow([opening(CLIENT, 0)]);
    const recent = [{ events: [socketEnd(CLIENT, 5, { path: "/b" })] }];
    const after = new Sockets(unended(opened), 2);
    expect([...after.recalled(recent)]).toEqual(recent);
    const late = [socketEnd(CLIENT, 0), opening(CLIENT, 5, { path: "/b" })];
    expect(after.follow(late).map(({ kind }) => kind)).toEqual(["closed", "opened", "closed"]);
    expect(late.map(({ second }) => second)).toEqual([true, true]);
  });
});
