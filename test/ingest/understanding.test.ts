import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Ingestion } from "../../src/ingest/ingestion.ts";
import type { IngestedLog, IngestSettings } from "../../src/ingest/messages.ts";
import type { LogEvent } from "../../src/model/event.ts";
import type { Finding } from "../../src/model/finding.ts";
import { parseTarget } from "../../src/model/ip.ts";
import { type DurationMs, unixMs } from "../../src/model/time.ts";
import { ingestSettings, loadSetup, readRuleSet } from "../../src/setup.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const HOUR = 3_600_000;
const clock = { now: () => unixMs(Date.now()) };

const settingsFor = (
  log: Partial<IngestedLog> & Pick<IngestedLog, "path">,
  more: Partial<IngestSettings> = {},
) => ({
  mode: "observe" as const,
  logs: [{ kind: "error" as const, format: "auto", timezone: null, fields: null, ...log }],
  rules: [],
  origins: [],
  allowlist: [],
  trustedProxies: [],
  policy: { ban: HOUR as DurationMs, factor: 1, max: HOUR as DurationMs, memory: HOUR as DurationMs },
  ...more,
});

/** Reads until `count` more lines are stored, as a daemon does that is started and stopped. */
async function ingest(settings: IngestSettings, database: string, count: number) {
  const events: LogEvent[] = [];
  const findings: Finding[] = [];
  using store = new StoreWriter(database, 1 << 20, clock);
  using ingestion = new Ingestion(settings, store, clock);
  const stop = new AbortController();
  const running = ingestion.run(stop.signal, (outcome) => {
    events.push(...outcome.events);
    findings.push(...outcome.findings);
  });
  await expect.poll(() => events.length).toBe(count);
  stop.abort();
  await running;
  return { events, findings };
}

test("a start in the hour that happens twice goes on in the one that the log had come to", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "error.log");
  const database = join(folder.path, "test.sqlite");
  const line = (time: string) =>
    `[Sun Oct 25 ${time}.000000 2026] [core:error] [pid 7] [client 192.0.2.7:5] x\n`;
  const settings = settingsFor({ path, timezone: "Europe/Berlin" });
  writeFileSync(path, line("02:40:00") + line("02:10:00"));
  const times = ({ events }: { readonly events: readonly LogEvent[] }) =>
    events.map(({ time }) => new Date(time).toISOString().slice(11, 16));
  expect(times(await ingest(settings, database, 2))).toEqual(["00:40", "01:10"]);
  appendFileSync(path, line("02:45:00"));
  expect(times(await ingest(settings, database, 1))).toEqual(["01:45"]);
});

const ALERT = `[client 192.0.2.7] ModSecurity: Warning. x. [file "/r.conf"] [line "1"] [id "913100"] [msg "x"] [severity "CRITICAL"] [hostname "h"] [uri "/"] [unique_id "awF5kZrknThue2vOZc9hgwAAAAE"]`;

test("ModSecurity's alerts are counted by their rule and severity, across a restart too", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "error.log");
  const database = join(folder.path, "test.sqlite");
  const rulesFolder = join(folder.path, "rules");
  mkdirSync(rulesFolder);
  writeFileSync(
    join(rulesFolder, "waf.yaml"),
    `title: { en: WAF, ja: WAF }
detects: x
why: x
severity: high
events: error
match: { code: ["913100", "942100"], severity: [emergency, alert, critical], requestId: { prefix: aw } }
bucket: { kind: threshold, count: 3, window: 10m }
`,
  );
  const line = (second: number, alert = ALERT) =>
    `[Fri Nov 20 22:01:0${second}.000000 2026] [security2:error] [pid 1:tid 2] [client 192.0.2.7:4711] ${alert}\n`;
  const settings = settingsFor(
    { path, timezone: "UTC" },
    { rules: readRuleSet(rulesFolder, null, []).rules },
  );
  writeFileSync(path, line(1) + line(2) + line(3, ALERT.replace("CRITICAL", "NOTICE")));
  expect((await ingest(settings, database, 3)).findings).toEqual([]);
  appendFileSync(path, line(4));
  expect((await ingest(settings, database, 1)).findings).toMatchObject([{ rule: "waf", count: 3 }]);
});

test("whom X-Forwarded-For is believed from follows the configuration", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "access.log");
  const database = join(folder.path, "test.sqlite");
  const line = '198.51.100.1 [20/Nov/2026:12:00:00 +0000] 200 "203.0.113.7"\n';
  const log = { path, kind: "access", format: '%a %t %>s "%{X-Forwarded-For}i"' } as const;
  const client = async (trustedProxies: readonly string[]) => {
    appendFileSync(path, line);
    const settings = settingsFor(log, { trustedProxies: trustedProxies.map((text) => parseTarget(text)!) });
    const [event] = (await ingest(settings, database, 1)).events;
    return event!.kind === "access" ? event!.client : event!.kind;
  };
  expect(await client([])).toBe("198.51.100.1");
  expect(await client(["198.51.100.0/24"])).toBe("203.0.113.7");
});

test("an error log's format is checked with the configuration", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "sekisho.yaml");
  const load = (format: string) => {
    writeFileSync(file, `logs:\n  - path: /var/log/error.log\n    kind: error\n    format: '${format}'\n`);
    return ingestSettings(loadSetup({ file, cwd: folder.path })).logs[0]!.format;
  };
  expect(load("auto")).toBe("auto");
  expect(load("[%{cu}t] [%-m:%-l] %-a %-L %M")).toBe("[%{cu}t] [%-m:%-l] %-a %-L %M");
  expect(() => load("combined")).toThrow(
    /4:13: logs\[0\]\.format: 'combined' is no error log format; write auto/,
  );
  expect(() => load("[%t] %r %M")).toThrow(/%r is not one of ErrorLogFormat's directives/);
  expect(() => load("%h %t %>s")).toThrow(/%h is not one of/);
});

test("a stack trace that fills batches of its own stays the rest of its message", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "error.log");
  using store = new StoreWriter(join(folder.path, "test.sqlite"), 1 << 20, clock);
  using ingestion = new Ingestion(settingsFor({ path, timezone: "UTC" }), store, clock);
  const reasons: string[] = [];
  const stop = new AbortController();
  const running = ingestion.run(stop.signal, ({ events }) => {
    for (const event of events) reasons.push(event.kind === "unparsed" ? event.reason : event.kind);
  });
  const wanted: string[] = [];
  const append = async (line: string, reason: string) => {
    appendFileSync(path, `${line}\n`);
    wanted.push(reason);
    await expect.poll(() => reasons).toEqual(wanted);
  };
  await append(
    "[Sun Oct 25 02:40:00.000000 2026] [php:error] [pid 7] [client 192.0.2.7:5] PHP Fatal error:  x",
    "error",
  );
  await append("Stack trace:", "continuation");
  await append("#0 {main}", "continuation");
  stop.abort();
  await running;
});
