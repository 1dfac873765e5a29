import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** One process, from its start to its end. */
export interface Measured {
  readonly seconds: number;
  /** Highest resident memory; NaN where /proc does not tell. */
  readonly peakMiB: number;
  readonly output: string;
}

/** What every bench is given. */
export interface BenchOptions {
  readonly lines: number;
  readonly rounds: number;
  readonly seed: number;
  /** For as long is a live log written. */
  readonly seconds: number;
  /** A folder of this run's own. */
  readonly directory: string;
  /** The generated log, made when it is first asked for. */
  log(): string;
}

const PEAK_EVERY_MS = 20;

/** Puts a command on one core, so that helper threads do not flatter it. Nothing changes without taskset. */
export function onOneCore(command: string, args: readonly string[]): [string, string[]] {
  if (spawnSync("taskset", ["--version"]).status !== 0) return [command, [...args]];
  const allowed = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"));
  return ["taskset", ["--cpu-list", allowed?.[1] ?? "0", command, ...args]];
}

/** A line of /proc/PID/status in MiB; NaN once the process has ended. taskset and our launchers exec in place. */
function memoryMiB(pid: number, name: "VmHWM" | "VmRSS"): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** The kernel's high-water mark of a running process. */
export const peakMiB = (pid: number): number => memoryMiB(pid, "VmHWM");
export const residentMiB = (pid: number): number => memoryMiB(pid, "VmRSS");

/** Seconds of processor time that a running process has used, all its threads included. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  // The kernel counts in hundredths, whatever the machine.
  return (Number(user) + Number(system)) / 100;
}

export function measure(command: string, args: readonly string[], cwd: string): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(...onOneCore(command, args), { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let peak = Number.NaN;
    const watch = setInterval(() => {
      const now = peakMiB(child.pid!);
      if (!Number.isNaN(now)) peak = now;
    }, PEAK_EVERY_MS);
    let output = "";
    let complaints = "";
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("latin1").on("data", (text: string) => {
      complaints += text;
    });
    child.on("error", reject);
    child.on("close", (status) => {
      clearInterval(watch);
      const seconds = (performance.now() - started) / 1000;
      if (status === 0) resolve({ seconds, peakMiB: peak, output });
      else
        reject(new Error(`${command} ${args.join(" ")} ended with ${status}: ${complaints.slice(-2_000)}`));
    });
  });
}

/** The run with the median time: one slow or lucky run does not count. */
export function median(runs: readonly Measured[]): Measured {
  return [...runs].sort((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)]!;
}

/** A program that is measured beside others. */
export interface Contender {
  readonly what: string;
  /** How many lines one run of it reads. */
  readonly lines: number;
  run(): Promise<Measured>;
}

/**
 * Has contenders take turns, so that a busy machine slows all of them, and writes a Markdown table of each one's median
 * run, as docs/performance.md has it. Ratios are to the first.
 */
export async function race(contenders: readonly Contender[], rounds: number): Promise<string> {
  const runs = contenders.map((): Measured[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, contender] of contenders.entries()) runs[index]!.push(await contender.run());
  const results = contenders.map(({ what, lines }, index) => {
    const run = median(runs[index]!);
    return { what, run, rate: lines / run.seconds };
  });
  const rows = results.map(({ what, run, rate }) => [
    what,
    `${(rate / 1000).toFixed(rate < 10_000 ? 1 : 0)} k`,
    run.seconds.toFixed(2),
    Number.isNaN(run.peakMiB) ? "" : String(Math.round(run.peakMiB)),
    (results[0]!.rate / rate).toPrecision(3),
  ]);
  return markdown(["", "lines/s", "seconds", "peak MiB", "Sekisho's speed to this one's"], rows);
}

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`.replace("|  |", "| |");
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** The smallest value that a share of all values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
