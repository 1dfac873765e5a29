import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { unixMs } from "../../src/model/time.ts";
import { createParser } from "../../src/parse/formats.ts";
import { readRuleSet } from "../../src/setup.ts";
import { type BenchOptions, markdown } from "./measure.ts";

const BATCH = 5_000;
const WINDOW_MS = 300_000;
const AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

type Request = readonly [request: string, status: number];
/** What each address asks for. */
const TRAFFIC: Readonly<Record<string, readonly Request[]>> = {
  "a page each": [["GET /index.html", 200]],
  "a missing page each": [["GET /nothing", 404]],
  "a page, a missing one and a wrong password each": [
    ["GET /index.html", 200],
    ["GET /nothing", 404],
    ["POST /login", 401],
  ],
};

/** As many different addresses as lines are asked for, within five minutes, half of them IPv6; one process for each row. */
export async function subjectsBench({ lines }: BenchOptions): Promise<string> {
  const rows = Object.keys(TRAFFIC).map((traffic): string[] => {
    const args = ["--expose-gc", import.meta.filename, traffic, String(lines)];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return [traffic, ...(JSON.parse(stdout) as string[])];
  });
  return markdown([`${lines} addresses`, "counted", "gave way", "MB of heap"], rows);
}

function countAll(traffic: string, addresses: number): string[] {
  const rules = compileRules(readRuleSet(join(import.meta.dirname, "../../rules"), null, []).rules, {
    origins: new Set(),
  });
  const evaluator = new Evaluator(rules);
  const before = heapMB();
  for (const events of batches(TRAFFIC[traffic]!, addresses)) {
    evaluator.evaluate(events);
    evaluator.forgetOver(events.at(-1)!.time, events.length);
  }
  const { subjects, givenUp } = evaluator.counting;
  return [String(subjects), String(givenUp), (heapMB() - before).toFixed(0)];
}

function heapMB(): number {
  globalThis.gc!();
  return process.memoryUsage().heapUsed / 1e6;
}

function* batches(requests: readonly Request[], addresses: number): Generator<LogEvent[]> {
  const parser = createParser("access", "combined", "UTC");
  const now = unixMs(Date.UTC(2026, 10, 22));
  const start = Date.UTC(2026, 10, 20, 12);
  let events: LogEvent[] = [];
  for (let n = 0; n < addresses; n++) {
    const time = new Date(start + (n * WINDOW_MS) / addresses).toISOString().slice(11, 19);
    for (const [request, status] of requests) {
      const line = `${addressOf(n)} - - [20/Nov/2026:${time} +0000] "${request} HTTP/1.1" ${status} 100 "-" "${AGENT}"`;
      events.push(parser.parse(line, 1, now));
    }
    if (events.length < BATCH) continue;
    yield events;
    events = [];
  }
  if (events.length > 0) yield events;
}

const addressOf = (n: number): string =>
  n % 2 === 0
    ? `${20 + (n >> 24)}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
    : `2001:db8:${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`;

const [, script, traffic, addresses] = process.argv;
if (script === import.meta.filename) {
  console.log(JSON.stringify(countAll(traffic!, Number(addresses))));
}
