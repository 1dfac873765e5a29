import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Protected } from "../../src/decide/protected.ts";
import { Lists } from "../../src/lists/lists.ts";
import { PERMANENT, unixMs } from "../../src/model/time.ts";
import { type BenchOptions, markdown, percentile } from "./measure.ts";

const ENTRIES = 500_000;
/** Steps of a load, each measured in a process of its own. */
const STEPS = { "fetched from a file and kept": "fetch", "from the last good copy": "load" } as const;

/** Single addresses, one in seven a range and one in seven an IPv6 /64, in no order. */
function entry(n: number): string {
  const mixed = Math.imul(n, 2_654_435_761) >>> 0;
  if (n % 7 === 0)
    return `2001:${(mixed >>> 16).toString(16)}:${(mixed & 65_535).toString(16)}:${n & 255}::/64`;
  const address = `${11 + ((mixed >>> 24) % 80)}.${(mixed >>> 16) & 255}.${(mixed >>> 8) & 255}`;
  return n % 7 === 1 ? `${address}.0/24` : `${address}.${mixed & 255}`;
}

const listsOf = (folder: string): Promise<Lists> =>
  Lists.load({
    settings: [
      {
        ...{
          name: "bad",
          kind: "block",
          from: join(folder, "bad.txt"),
          format: "plain",
          column: 1,
          separator: ",",
        },
        ...{ schedule: "0 0 * * *", keep: PERMANENT, max: 1_000_000, growth: 10, ownAndPrivate: "refuse" },
      },
    ],
    folder: join(folder, "lists"),
    clock: { now: () => unixMs(Date.now()) },
    own: () => Protected.nobody,
  });

/** How long do half a million entries of a list take, and how much memory? */
export async function listsBench({ rounds, directory }: BenchOptions): Promise<string> {
  const folder = join(directory, "lists");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "bad.txt"), Array.from({ length: ENTRIES }, (_, n) => `${entry(n)}\n`).join(""));
  const rows = Object.entries(STEPS).map(([what, step]) => {
    const runs = Array.from({ length: rounds }, () => {
      if (step === "fetch") rmSync(join(folder, "lists"), { recursive: true, force: true });
      const args = ["--expose-gc", import.meta.filename, step, folder];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as readonly number[];
    });
    const median = (at: number): number =>
      percentile(
        runs.map((run) => run[at]!),
        0.5,
      );
    return [what, String(runs[0]![0]), ...[1, 2, 3, 4, 5].map((at) => median(at).toFixed(at === 1 ? 2 : 0))];
  });
  return markdown(
    ["", "entries", "s", "longest stall, ms", "peak, MB", "kept, MB", "kept with blocks, MB"],
    rows,
  );
}

/** In a process of its own: entries, seconds, longest stall, most resident memory, and what is kept, without blocks and with. */
async function measureOne(step: string, folder: string): Promise<number[]> {
  await listsOf(`${folder}-none`);
  const before = await keptMB();
  const resident = process.resourceUsage().maxRSS / 1_024;
  let stall = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    stall = Math.max(stall, now - last);
    last = now;
  }, 1);
  const started = performance.now();
  const lists = await listsOf(folder);
  if (step === "fetch") await lists.refresh("bad");
  const seconds = (performance.now() - started) / 1_000;
  await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(timer);
  const peak = process.resourceUsage().maxRSS / 1_024 - resident;
  const kept = (await keptMB()) - before;
  const blocks = lists.blocks.length;
  return [blocks, seconds, stall, peak, kept, (await keptMB()) - before];
}

async function keptMB(): Promise<number> {
  globalThis.gc!();
  // What was outside of the heap is given back by another thread.
  await new Promise((resolve) => setTimeout(resolve, 100));
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

const [, script, step, folder] = process.argv;
if (script === import.meta.filename) console.log(JSON.stringify(await measureOne(step!, folder!)));
