import { judgeWeek } from "../benign/judge-week.ts";
import { type BenchOptions, markdown } from "./measure.ts";

/** As many visitors as make so many lines. */
const LINES_OF_SIZE_1 = 400_000;

/** Whom the shipped rules would ban in a week in which nobody attacks, with other visitors in each round. */
export async function benignBench({ lines, rounds, seed }: BenchOptions): Promise<string> {
  const rows: string[][] = [];
  for (let round = 0; round < rounds; round++) {
    const judged = await judgeWeek(lines / LINES_OF_SIZE_1, seed + round);
    const findings = judged.verdict.findings.length;
    rows.push([String(seed + round), String(judged.lines), String(findings), String(judged.bans.length)]);
    for (const ban of judged.bans) console.error(ban);
  }
  return markdown(["seed", "lines", "findings", "bans"], rows);
}
