import { existsSync } from "node:fs";
import { loadConfig } from "../config/load.ts";
import { aggregate } from "../enforce/aggregate.ts";
import type { Enforcer } from "../enforce/enforcer.ts";
import { enforcersOf } from "../enforcers.ts";
import type { Block } from "../model/decision.ts";
import { asSekishoError, SekishoError } from "../model/errors.ts";
import { printable } from "../model/safe-text.ts";
import { databaseFile } from "../setup.ts";
import { lockData } from "../store/database.ts";
import { StoreReader } from "../store/reader.ts";
import type { CliContext } from "./context.ts";
import { count } from "./output.ts";
import { reportError } from "./report-error.ts";

/** Lifts what is over in every enforcer that holds blocks without a daemon. */
export async function expire(context: CliContext, file: string | undefined): Promise<void> {
  const { config } = loadConfig({ file, cwd: context.cwd });
  using lock = lockUnlessRunning(config.data);
  if (lock === null) {
    context.stdout("the daemon runs, and lifts bans itself\n");
    return;
  }
  const { blocks } = aggregate(activeBlocks(context, config.data), config.policy.aggregate, () => true);
  // Apps of the guard are connected to the daemon alone, and a program of the administrator's is not called behind its back.
  const enforcers = enforcersOf(config, context.clock).filter(
    ({ name }) => name !== "guard" && name !== "exec",
  );
  if (enforcers.length === 0)
    context.stdout("nothing to lift: no enforcer is configured that blocks without the daemon\n");
  for (const enforcer of enforcers) {
    try {
      const lifted = await liftOver(enforcer, blocks);
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
async function liftOver(enforcer: Enforcer, wanted: readonly Block[]): Promise<number> {
  const { signal } = new AbortController();
  const blocked = await enforcer.blocked(signal);
  const stay = wanted.filter(({ target }) => blocked.has(target));
  const over = blocked.size - stay.length;
  if (over === 0 && enforcer.schedule === null) return 0;
  const { lingering } = await enforcer.reconcile(stay, true, signal);
  // The daemon may have lifted it and ended before the reload.
  const lifted = Math.max(over, lingering.size);
  if (lifted > 0) await enforcer.apply(signal);
  return lifted;
}

/** None where there is no database: then nobody is banned. */
function activeBlocks({ clock }: CliContext, data: string): readonly Block[] {
  const file = databaseFile(data);
  if (!existsSync(file)) return [];
  using reader = new StoreReader(file, clock);
  return reader.activeBlocks();
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
