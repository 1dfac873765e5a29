import { join } from "node:path";
import { type BenchOptions, type Measured, measure, race } from "./measure.ts";
import { fail2ban, goAccess, newlines } from "./peers.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** How fast is `sekisho replay` with all shipped rules, the whole process on one core, beside what else reads logs? */
export async function replayBench({ log, lines, rounds, directory }: BenchOptions): Promise<string> {
  const file = log();
  return race(
    [
      { what: "sekisho replay, all rules", lines, run: () => replay(file, lines) },
      newlines(file, lines),
      ...goAccess(file, lines),
      ...fail2ban(file, lines, directory),
    ],
    rounds,
  );
}

async function replay(log: string, lines: number): Promise<Measured> {
  const run = await measure(join(ROOT, "bin/sekisho"), ["replay", log, "--json"], ROOT);
  const { lines: seen, events } = JSON.parse(run.output);
  if (seen !== lines || events.access !== lines)
    throw new Error(`replay saw ${seen} lines, ${JSON.stringify(events)}`);
  return run;
}
