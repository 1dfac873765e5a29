import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { SourceKind } from "../model/event.ts";
import { type Clock, HOUR_MS, type UnixMs, unixMs } from "../model/time.ts";
import { type DemoLogName, linesOf } from "./log-lines.ts";
import { OWN_ORIGIN } from "./scenes.ts";
import { timeline, visits } from "./timeline.ts";

/** One entry of the configuration's `logs`. */
export interface DemoLog {
  readonly path: string;
  readonly kind: SourceKind;
  readonly format: string;
  readonly timezone: string;
}

/** What the configuration's `origins` must be for the attack to be one. */
export const DEMO_ORIGINS: readonly string[] = [OWN_ORIGIN];

const LOGS: Readonly<Record<DemoLogName, { file: string; format: string }>> = {
  access: { file: "access.log", format: "sekisho" },
  error: { file: "error.log", format: "auto" },
  audit: { file: "audit.jsonl", format: "auto" },
};
const TICK_MS = 100;

/**
 * Plays the sample attack into new log files in `directory`, at the pace of life and with the clock's time, until the
 * signal aborts. Resolves once the logs are there, with an hour of visitors in them. No file stays open in between. When writing fails (a full
 * disk), the attack ends and `failed` is told.
 */
export async function startDemo(demo: {
  readonly directory: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly failed?: (error: unknown) => void;
  /** A log that would grow beyond it is rotated by renaming; one older generation of each is kept. */
  readonly maxLogBytes?: number;
}): Promise<DemoLog[]> {
  const { directory, clock, signal, maxLogBytes = 10_000_000 } = demo;
  mkdirSync(directory, { recursive: true });
  const past = hourBefore(clock.now());
  const logs = Object.entries(LOGS).map(([kind, { file, format }]) => {
    const path = join(directory, file);
    writeFileSync(path, past[kind as DemoLogName]);
    return { path, kind: kind as DemoLogName, format, timezone: "UTC" };
  });
  play(directory, clock, maxLogBytes, signal).catch((error: unknown) => {
    if (!signal.aborted) demo.failed?.(error);
  });
  return logs;
}

/** What the logs hold when the attack begins: ordinary visits, so that it stands out. All their WebSockets have closed. */
function hourBefore(now: UnixMs): Record<DemoLogName, string> {
  const lines: Record<DemoLogName, string[]> = { access: [], error: [], audit: [] };
  for (const beat of visits()) {
    if (beat.at >= HOUR_MS) break;
    for (const [log, line] of linesOf(beat, unixMs(now - HOUR_MS + beat.at)))
      if (log !== "error") lines[log].push(`${line}\n`);
  }
  return { access: lines.access.join(""), error: lines.error.join(""), audit: lines.audit.join("") };
}

async function play(
  directory: string,
  clock: Clock,
  maxLogBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const written: Record<DemoLogName, number> = { access: 0, error: 0, audit: 0 }; // since the attack began
  let due: Record<DemoLogName, string> = { access: "", error: "", audit: "" };
  let later: { readonly at: number; readonly log: DemoLogName; readonly line: string }[] = [];
  // Counted in ticks, not read from the clock: after a laptop's sleep the hours missed must not come all at once.
  let until = TICK_MS;
  for (const beat of timeline()) {
    while (beat.at >= until) {
      // Without a reference: a daemon that could not start must not be kept alive by its demo.
      await setTimeout(TICK_MS, undefined, { signal, ref: false });
      for (const { at, log, line } of later) if (at < until) due[log] += `${line}\n`;
      later = later.filter(({ at }) => at >= until);
      for (const log of ["error", "access", "audit"] as const) {
        written[log] = append(join(directory, LOGS[log].file), due[log], written[log], maxLogBytes);
      }
      due = { access: "", error: "", audit: "" };
      until += TICK_MS;
    }
    for (const [log, line, after] of linesOf(beat, clock.now())) {
      if (after === 0) due[log] += `${line}\n`;
      else later.push({ at: beat.at + after, log, line });
    }
  }
}

/** Returns how large the file is now. */
function append(path: string, text: string, size: number, maxBytes: number): number {
  if (text === "") return size;
  const full = size + text.length > maxBytes;
  if (full) renameSync(path, `${path}.1`);
  appendFileSync(path, text);
  return full ? text.length : size + text.length;
}
