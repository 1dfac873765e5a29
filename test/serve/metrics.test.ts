import { expect, test } from "vitest";
import { metricsText } from "../../src/serve/metrics.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { runServer, TestClock } from "./running-server.ts";
import { source } from "./samples.ts";

const SAMPLE = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\d+)$/;

test("the metrics are Prometheus text, with a type before every family", async () => {
  const { ask } = await runServer();
  const answer = await ask("/metrics");
  expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(answer.text.endsWith("\n")).toBe(true);
  const typed = new Set<string>();
  for (const line of answer.text.trimEnd().split("\n")) {
    const type = /^# TYPE (\S+) (?:counter|gauge)$/.exec(line);
    if (type !== null) typed.add(type[1]!);
    else if (!line.startsWith("# HELP ")) expect(typed).toContain(SAMPLE.exec(line)?.[1]);
  }
  for (const sample of [
    'sekisho_build_info{version="1.2.3",mode="enforce"} 1',
    "sekisho_uptime_seconds 12",
    'sekisho_events_total{kind="access"} 7',
    'sekisho_events_total{kind="unparsed"} 2',
    'sekisho_source_lines_total{path="/var/log/apache2/access.log"} 9',
    'sekisho_source_unparsed_total{path="/var/log/apache2/access.log"} 2',
    'sekisho_source_lag_bytes{path="/var/log/apache2/access.log"} 5',
    "sekisho_bans_active 0",
    "sekisho_incidents_open 0",
    "sekisho_sockets_open 0",
    "sekisho_database_bytes 4096",
    "sekisho_database_budget_bytes 8192",
    'sekisho_enforcer_state{name="apache-directory",state="drifted"} 1',
    'sekisho_enforcer_state{name="apache-directory",state="in-sync"} 0',
    'sekisho_enforcer_blocks{name="apache-directory"} 3',
    'sekisho_enforcer_repaired_total{name="apache-directory"} 0',
  ]) {
    expect(answer.text.split("\n")).toContain(sample);
  }
});

test("a log file with a hostile name adds no line and no label", () => {
  const backend = new MemoryBackend(new TestClock());
  const path = '/var/log/a"} 1\nsekisho_bans_active 999\n#\\';
  backend.sources = [source(path)];
  const lines = metricsText(backend.status()).trimEnd().split("\n");
  const samples = lines.filter((line) => !line.startsWith("# "));
  expect(samples.filter((line) => !SAMPLE.test(line))).toEqual([]);
  expect(samples.filter((line) => line.startsWith("sekisho_bans_active"))).toEqual(["sekisho_bans_active 0"]);
  const spelled = /^sekisho_source_lines_total\{path="(.*)"\} 9$/.exec(
    samples.find((line) => line.startsWith("sekisho_source_lines"))!,
  )![1]!;
  expect(spelled.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign))).toBe(path);
});
