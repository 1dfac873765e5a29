import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Answer, type Measured, measure, median } from "./measure.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const NODE = join(ROOT, "bin/node");

/**
 * How fast is `sekisho replay` on one core, the whole process included, beside programs that read the same file at the
 * same time? They take turns, so that a busy machine slows all of them.
 */
export async function replayBench(log: string, lines: number, rounds: number): Promise<Answer> {
  const contenders: { what: string; run: () => Promise<Measured>; runs: Measured[] }[] = [
    { what: "sekisho replay", run: () => replay(log, lines), runs: [] },
    { what: "count newlines (Node)", run: () => countNewlines(log, lines), runs: [] },
  ];
  const goaccess = /^GoAccess - (\S+?)\.?$/m.exec(
    spawnSync("goaccess", ["--version"], { encoding: "utf8" }).stdout ?? "",
  );
  if (goaccess !== null) {
    contenders.push({ what: `GoAccess ${goaccess[1]}`, run: () => goAccess(log), runs: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) contender.runs.push(await contender.run());
  }
  return {
    question: `How fast is \`sekisho replay\` on ${lines} lines, on one core?`,
    rows: contenders.map(({ what, runs }) => ({ what, run: median(runs) })),
  };
}

async function replay(log: string, lines: number): Promise<Measured> {
  const run = await measure(join(ROOT, "bin/sekisho"), ["replay", log, "--json"], ROOT);
  const { lines: seen, events } = JSON.parse(run.output);
  if (seen !== lines || events.access !== lines)
    throw new Error(`replay saw ${seen} lines, ${JSON.stringify(events)}`);
  return run;
}

/** The reference that every machine has. */
export async function countNewlines(log: string, lines: number): Promise<Measured> {
  const run = await measure(NODE, [join(import.meta.dirname, "count-newlines.ts"), log], ROOT);
  if (Number(run.output) !== lines) throw new Error(`counted ${run.output.trim()} newlines`);
  return run;
}

const goAccess = (log: string): Promise<Measured> =>
  measure(
    "goaccess",
    [log, "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", "json"],
    ROOT,
  );
