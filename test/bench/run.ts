/**
 * `npm run bench [-- --lines N --rounds N --seed N]`: every bench, each a question with its answer.
 * The log is made for the occasion, in the directory for temporary files, and removed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DEFAULT_LOG, writeLog } from "./generate-log.ts";
import { tableOf } from "./measure.ts";
import { replayBench } from "./replay.ts";
import { storeBench } from "./store.ts";

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: String(DEFAULT_LOG.lines) },
    seed: { type: "string", default: String(DEFAULT_LOG.seed) },
    rounds: { type: "string", default: "3" },
  },
});
const [lines, seed, rounds] = [Number(values.lines), Number(values.seed), Number(values.rounds)];
const directory = mkdtempSync(join(tmpdir(), "sekisho-bench-"));
try {
  const log = join(directory, "access.log");
  const bytes = writeLog(log, { ...DEFAULT_LOG, lines, seed, clients: Math.ceil(lines * 0.175) });
  readFileSync(log); // into the page cache, for all alike
  console.log(`${lines} lines, ${bytes} bytes; Node ${process.versions.node}; ${cpus()[0]?.model}\n`);
  for (const bench of [replayBench, storeBench]) console.log(tableOf(await bench(log, lines, rounds), lines));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
