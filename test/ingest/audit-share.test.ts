import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { ruleSchema } from "../../src/evaluate/rule-schema.ts";
import { Ingestion } from "../../src/ingest/ingestion.ts";
import { AUDIT_NAMES } from "../../src/model/event.ts";
import { type Clock, type DurationMs, unixMs } from "../../src/model/time.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const NOON = Date.UTC(2026, 10, 20, 12);
const clock: Clock = { now: () => unixMs(NOON) };
const hour = 3_600_000 as DurationMs;
const RULES = join(import.meta.dirname, "../../rules");
const rules = ["audit-rate"].map((id) => ({
  id,
  spec: ruleSchema.parse(parse(readFileSync(join(RULES, `${id}.yaml`), "utf8"))),
}));
const ALWAYS = 5;
const VICTIMS = 60;
const REPORTS_EACH = 3;

const reports = (client: string): string =>
  Array.from({ length: REPORTS_EACH }, (_, second) =>
    JSON.stringify({
      time: new Date(NOON - 9_000 + second * 1_000).toISOString(),
      event: "ws.rate_exceeded",
      client,
    }),
  ).join("\n");

/** Writes files in which an app reports its victims, and reads them until all is stored: what was told. */
async function ingested(folder: string, store: StoreWriter, files: readonly string[]) {
  const path = join(folder, "app", "*.jsonl");
  mkdirSync(join(folder, "app"), { recursive: true });
  for (const [n, file] of files.entries()) {
    const victims = Array.from({ length: VICTIMS / files.length }, (_, each) => `10.${n}.0.${each + 1}`);
    writeFileSync(join(folder, "app", file), `${victims.map(reports).join("\n")}\n`);
  }
  const trust = { name: path, mayBan: AUDIT_NAMES, maxBanShare: 0.5, bansAlways: ALWAYS };
  const log = { path, kind: "audit", format: "audit", timezone: null, fields: null, trust } as const;
  const policy = { ban: hour, factor: 1, max: hour, memory: hour };
  const site = { origins: [], allowlist: [], trustedProxies: [] };
  using ingestion = new Ingestion({ mode: "observe", logs: [log], rules, policy, ...site }, store, clock);
  const stop = new AbortController();
  const told = { lines: 0, bans: 0, spared: new Set<string>(), problems: [] as string[] };
  const running = ingestion.run(stop.signal, ({ events, judgements }) => {
    told.lines += events.length;
    for (const judgement of judgements) {
      if (judgement.kind === "ban") told.bans++;
      if (judgement.kind === "spared") told.spared.add(judgement.why);
    }
  });
  await expect.poll(() => told.lines).toBe(VICTIMS * REPORTS_EACH);
  told.problems = ingestion.problems().map(({ code }) => code);
  stop.abort();
  await running;
  return told;
}
const names = (count: number, prefix = "x"): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}.jsonl`);

test.each([1, 3, 30])(
  "an app that writes %d files has no more people banned than by one, nor after a restart",
  async (count) => {
    using folder = temporaryFolder();
    using store = new StoreWriter(join(folder.path, "test.sqlite"), 1 << 20, clock);
    const spared = new Set([
      `source ${join(folder.path, "app/*.jsonl")} has caused ${ALWAYS} bans in a day, as many as it may`,
    ]);
    const reached = { lines: VICTIMS * REPORTS_EACH, spared, problems: ["AUDIT_BAN_LIMIT"] };
    expect(await ingested(folder.path, store, names(count))).toEqual({ ...reached, bans: ALWAYS });
    expect(await ingested(folder.path, store, names(count, "later"))).toEqual({ ...reached, bans: 0 });
  },
);
