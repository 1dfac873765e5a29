/**
 * `npm run bench [-- NAME… --lines N --rounds N --seed N --seconds N]`: the benches of these names, or all, each a
 * question with its answer as a table. The log is made for the occasion, in the directory for temporary files, and removed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bansBench } from "./bans.ts";
import { benignBench } from "./benign.ts";
import { diskBench } from "./disk.ts";
import { DEFAULT_LOG, writeLog } from "./generate-log.ts";
import { listsBench } from "./lists.ts";
import type { BenchOptions } from "./measure.ts";
import { refusalBench } from "./refusal.ts";
import { replayBench } from "./replay.ts";
import { rulesBench } from "./rules.ts";
import { storeBench } from "./store.ts";
import { subjectsBench } from "./subjects.ts";
import { tailBench } from "./tail.ts";

interface Bench {
  readonly question: string;
  readonly run: (options: BenchOptions) => Promise<string>;
}

const BENCHES: Readonly<Record<string, Bench>> = {
  replay: { question: "How fast is `sekisho replay`, on one core?", run: replayBench },
  rules: { question: "What do rules cost, and 500 more texts to look for?", run: rulesBench },
  store: { question: "How fast does the daemon catch up when everything is stored?", run: storeBench },
  tail: { question: "What does a live log of 5,000 lines a second cost?", run: tailBench },
  bans: { question: "How soon are 100,000 bans in force, and after a restart?", run: bansBench },
  refusal: { question: "How soon is an attacker refused, on a busy Apache?", run: refusalBench },
  lists: {
    question: "How long do half a million entries of a list take, and how much memory?",
    run: listsBench,
  },
  subjects: { question: "How much memory do a million addresses take?", run: subjectsBench },
  benign: { question: "Whom do the shipped rules ban among a week's innocent visitors?", run: benignBench },
  disk: { question: "What do events take on disk, and how long does retention stall?", run: diskBench },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lines: { type: "string", default: String(DEFAULT_LOG.lines) },
    seed: { type: "string", default: String(DEFAULT_LOG.seed) },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "20" },
  },
});
const [lines, seed, rounds, seconds] = [values.lines, values.seed, values.rounds, values.seconds].map(Number);
const unknown = positionals.find((name) => BENCHES[name] === undefined);
if (unknown !== undefined || ![lines, seed, rounds, seconds].every((value) => Number.isInteger(value))) {
  console.error(
    `usage: npm run bench -- [${Object.keys(BENCHES).join("|")}]… [--lines N] [--rounds N] [--seed N] [--seconds N]`,
  );
  process.exit(2);
}

const directory = mkdtempSync(join(tmpdir(), "sekisho-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

let made: string | null = null;
const log = (): string => {
  if (made !== null) return made;
  made = join(directory, "access.log");
  const bytes = writeLog(made, {
    ...DEFAULT_LOG,
    lines: lines!,
    seed: seed!,
    clients: Math.ceil(lines! * 0.175),
  });
  if (bytes < 2 ** 31) readFileSync(made); // into the page cache, for all alike
  console.log(`${lines} lines, ${bytes} bytes; Node ${process.versions.node}; ${cpus()[0]?.model}\n`);
  return made;
};
const options = { lines: lines!, rounds: rounds!, seed: seed!, seconds: seconds!, directory, log };
for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHES)) {
  const { question, run } = BENCHES[name]!;
  console.log(`## ${question}\n\n${await run(options)}\n\nload ${loadavg()[0]!.toFixed(1)}\n`);
}
