import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** One process, from its start to its end. */
export interface Measured {
  readonly seconds: number;
  /** Highest resident memory; NaN where /proc does not tell. */
  readonly peakMiB: number;
  readonly output: string;
}

const PEAK_EVERY_MS = 20;

/** Puts a command on one core, so that helper threads do not flatter it. Nothing changes without taskset. */
export function onOneCore(command: string, args: readonly string[]): [string, string[]] {
  if (spawnSync("taskset", ["--version"]).status !== 0) return [command, [...args]];
  const allowed = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"));
  return ["taskset", ["--cpu-list", allowed?.[1] ?? "0", command, ...args]];
}

/** The kernel's high-water mark of a running process; NaN once it has ended. taskset and our launchers exec in place. */
export function peakMiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
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

export interface Answer {
  readonly question: string;
  readonly rows: readonly { readonly what: string; readonly run: Measured }[];
}

/** A Markdown table, as docs/performance.md has it. Ratios are to the first row. */
export function tableOf({ question, rows }: Answer, lines: number): string {
  const rate = (run: Measured) => lines / run.seconds;
  const body = rows.map(({ what, run }) => {
    const ratio = (rate(rows[0]!.run) / rate(run)).toPrecision(3);
    return `| ${what} | ${Math.round(rate(run) / 1000)} k | ${run.seconds.toFixed(2)} | ${Math.round(run.peakMiB)} | ${ratio} |`;
  });
  const head =
    "| | lines/s | seconds | peak MiB | Sekisho's speed to this one's |\n| --- | --- | --- | --- | --- |";
  return `${question}\n\n${head}\n${body.join("\n")}\n`;
}
