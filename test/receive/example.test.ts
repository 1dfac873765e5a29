import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { complaintOf } from "../../src/ingest/audit-sockets.ts";
import { Receiver } from "../../src/receive/receiver.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const PATIENT = { timeout: 60_000 };
const PAGE = readFileSync(join(import.meta.dirname, "../../docs/audit-events.md"), "utf8");

test("the example in docs/audit-events.md reports, and connects anew after Sekisho was away", async () => {
  using folder = temporaryFolder();
  const [module, call] = [...PAGE.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!);
  const path = join(folder.path, "chat.sock");
  const spool = join(folder.path, "chat.jsonl");
  const file = join(folder.path, "report.mjs");
  writeFileSync(file, module!.replace("/run/sekisho/audit/chat.sock", path));
  const { report } = (await import(pathToFileURL(file).href)) as {
    report: (event: string, client: string, more?: object) => void;
  };
  const start = () =>
    Receiver.start(
      { path, spool, group: null, mode: 0o660 },
      { check: complaintOf, progress: () => "unread" },
    );
  const lines = (): string[] => readFileSync(spool, "utf8").split("\n").slice(0, -1);
  {
    await using _receiver = await start();
    new Function("report", call!)(report);
    await expect.poll(lines, PATIENT).toHaveLength(1);
  }
  await using receiver = await start();
  await expect
    .poll(() => {
      report("ws.open", "192.0.2.8");
      return lines().length;
    }, PATIENT)
    .toBeGreaterThan(2);
  expect(
    lines()
      .map(complaintOf)
      .filter((complaint) => complaint !== null),
  ).toEqual([]);
  expect(JSON.parse(lines()[0]!)).toMatchObject({
    app: "chat",
    event: "ws.rate_exceeded",
    client: "192.0.2.7",
  });
  expect(receiver.counts.connections).toBe(1);
});
