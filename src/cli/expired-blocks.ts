import { existsSync } from "node:fs";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { Enforcer } from "../enforce/enforcer.ts";
import { enforcersOf } from "../enforcers.ts";
import { loadLists } from "../imported-lists.ts";
import type { Block } from "../model/decision.ts";
import { asSekishoError, SekishoError } from "../model/errors.ts";
import { type Target, TargetSet } from "../model/ip.ts";
import { printable } from "../model/safe-text.ts";
import { databaseFile } from "../setup.ts";
import { lockData } from "../store/database.ts";
import { StoreReader } from "../store/reader.ts";
import type { CliContext } from "./context.ts";
import { count } from "./output.ts";
import { reportError } from "./report-error.ts";
import { type WantedBlocks, wantedBlocks } from "./wanted-blocks.ts";

/** Lifts what is over in every enforcer that holds blocks without a daemon. */
export async function expire(context: CliContext, file: string | undefined): Promise<void> {
  const { config } = loadConfig({ file, cwd: context.cwd });
  using lock = lockUnlessRunning(config.data);
  if (lock === null) {
    context.stdout("the daemon runs, and lifts bans itself\n");
    return;
  }
  const wanted = await wantedNow(context, config);
  // Apps of the guard are connected to the daemon alone, and a program of the administrator's is not called behind its back.
  const enforcers = enforcersOf(config, context.clock).filter(
    ({ name }) => name !== "guard" && name !== "exec",
  );
  if (enforcers.length === 0)
    context.stdout("nothing to lift: no enforcer is configured that blocks without the daemon\n");
  for (const enforcer of enforcers) {
    try {
      const lifted = await liftOver(enforcer, wanted);
      context.stdout(
        `${enforcer.name}: ${lifted === 0 ? "nothing to lift" : `lifted ${count(lifted, "block")}`}\n`,
      );
    } catch (error) {
      context.stderr(`${printable(enforcer.name)}: `);
      context.exitStatus = reportError(context, asSekishoError(error));
    }
  }
}

/** Has an enforcer hold what it holds and is still wanted. Returns how many blocks are no more. */
async function liftOver(enforcer: Enforcer, wanted: Pick<WantedBlocks, "each" | "ranges">): Promise<number> {
  const { signal } = new AbortController();
  const { stay, over } = parted(await enforcer.blocked(signal), wanted);
  if (over.size === 0 && enforcer.schedule === null) return 0;
  const { lingering } = await enforcer.reconcile(stay, true, signal);
  // The daemon may have lifted it and ended before the reload.
  const lifted = Math.max(over.size, lingering.size);
  if (lifted > 0) await enforcer.apply(signal);
  return lifted;
}

/** Of what is held, what stays and what is over. Nobody is blocked who is not. */
function parted(held: ReadonlySet<Target>, { each, ranges }: Pick<WantedBlocks, "each" | "ranges">) {
  const blocks = [...each, ...ranges.filter(({ target }) => held.has(target))];
  const wanted = new Map(blocks.map((block) => [block.target, block]));
  const asked = new TargetSet(wanted.keys());
  const stay: Block[] = [];
  const over = new TargetSet();
  for (const target of held) {
    // The ban directory holds some ranges as several narrower ones.
    const whole = asked.allCovering(target).find((covering) => !held.has(covering));
    const block = wanted.get(target) ?? (whole === undefined ? undefined : wanted.get(whole));
    if (block === undefined) over.add(target);
    else stay.push({ ...block, target });
  }
  // Where a range stood for bans that are too few for it now, each of them goes on by itself.
  for (const block of each)
    if (!held.has(block.target) && over.covering(block.target) !== null) stay.push(block);
  return { stay, over };
}

/** Nothing where there is no database: no daemon ever ran. */
async function wantedNow(
  { clock }: CliContext,
  config: Config,
): Promise<Pick<WantedBlocks, "each" | "ranges">> {
  const file = databaseFile(config.data);
  if (!existsSync(file)) return { each: [], ranges: [] };
  using reader = new StoreReader(file, clock);
  using lists = await loadLists({ config }, clock);
  return wantedBlocks(reader, lists, config);
}

/** Null when the daemon has it. */
function lockUnlessRunning(data: string): Disposable | null {
  try {
    return lockData(data);
  } catch (error) {
    if (error instanceof SekishoError && error.code === "DATA_IN_USE") return null;
    throw error;
  }
}
