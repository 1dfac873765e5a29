/** Programs that a user would take instead, where they are installed. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Contender, type Measured, measure } from "./measure.ts";

const ROOT = join(import.meta.dirname, "..", "..");

export const versionOf = (command: string, pattern: RegExp): string | null =>
  pattern.exec(spawnSync(command, ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1] ?? null;

/** Reads the file and finds its newlines: the reference that every machine has. */
export const newlines = (log: string, lines: number): Contender => ({
  what: "count newlines (Node)",
  lines,
  run: async () => {
    const counter = join(import.meta.dirname, "count-newlines.ts");
    const run = await measure(join(ROOT, "bin/node"), [counter, log], ROOT);
    if (Number(run.output) !== lines) throw new Error(`counted ${run.output.trim()} newlines`);
    return run;
  },
});

/** A fast log analyser in C, with one job; none where it is not installed. */
export function goAccess(log: string, lines: number): Contender[] {
  const version = versionOf("goaccess", /^GoAccess - (\S+?)\.?$/m);
  const args = [log, "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", "json"];
  return version === null
    ? []
    : [{ what: `GoAccess ${version}`, lines, run: () => measure("goaccess", args, ROOT) }];
}

/** What fail2ban reads at most: it is slow, and as slow for each line of a million. */
const FAIL2BAN_LINES = 50_000;
/** Our own: requests that were refused, which is what `repeated-403` counts. */
const FAILREGEX = String.raw`^<HOST> \S+ \S+ \[[^\]]*\] "[^"]*" 403 `;

/** One filter of one regular expression, on the first lines of the log; none where fail2ban is not installed. */
export function fail2ban(log: string, lines: number, directory: string): Contender[] {
  const version = versionOf("fail2ban-regex", /(\d+\.\d+\.\d+)/);
  if (version === null) return [];
  const slice = join(directory, "fail2ban.log");
  const taken = Math.min(lines, FAIL2BAN_LINES);
  writeFileSync(slice, firstLines(log, taken));
  const run = async (): Promise<Measured> => {
    const run = await measure("fail2ban-regex", [slice, FAILREGEX], ROOT);
    if (!run.output.includes(`Lines: ${taken} lines`)) throw new Error(run.output.slice(-500));
    return run;
  };
  return [{ what: `fail2ban-regex ${version}, one filter, ${taken} lines`, lines: taken, run }];
}

function firstLines(log: string, lines: number): string {
  const file = openSync(log, "r");
  const chunk = Buffer.alloc(lines * 1_024);
  const text = chunk.toString("latin1", 0, readSync(file, chunk));
  closeSync(file);
  let end = 0;
  for (let line = 0; line < lines; line++) end = text.indexOf("\n", end) + 1;
  return text.slice(0, end);
}
