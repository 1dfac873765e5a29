import { existsSync } from "node:fs";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { Enforcement } from "../enforce/enforcement.ts";
import { enforcersOf } from "../enforcers.ts";
import { FormerEnforcers } from "../former-enforcers.ts";
import type { PanicAnswer } from "../model/api.ts";
import { messageOf, SekishoError } from "../model/errors.ts";
import { databaseFile } from "../setup.ts";
import { lockData } from "../store/database.ts";
import { StoreWriter } from "../store/writer.ts";
import type { CliContext } from "./context.ts";
import { incomplete, stillBlocking } from "./still-blocking.ts";

/** The enforcers first: they are what keeps people out, whatever is wrong with the database. */
export async function liftWithoutDaemon(context: CliContext, file: string | undefined): Promise<PanicAnswer> {
  const { config, file: found } = configOf(context, file);
  if (found === null && !existsSync(databaseFile(config.data))) throw neverRan(config.data);
  using _ = lockData(config.data);
  // Apps are connected to a daemon alone, and root makes no socket in a folder of another user.
  const { guard, ...others } = config.enforcers;
  await using enforcement = new Enforcement({
    mode: "observe",
    enforcers: enforcersOf({ ...config, enforcers: others }, context.clock),
    clock: context.clock,
    onChange() {},
  });
  await enforcement.start([]);
  await using former = new FormerEnforcers({ config, clock: context.clock });
  await former.start();
  const enforcers = [...enforcement.statuses(), ...former.failed()];
  const since = context.clock.now();
  try {
    const lifted = inStore(config, context, (store) => {
      store.halts.begin({ name: "panic", since, reason: "sekisho panic", from: since });
      return store.liftBans("all").length;
    });
    if (guard !== undefined) context.stdout(APPS_LATER);
    return { lifted: lifted ?? 0, enforcers };
  } catch (error) {
    const failed = stillBlocking(enforcers);
    throw failed.length === 0 ? error : incomplete(failed, messageOf(error));
  }
}

/** Throws NOT_HALTED. */
export function endWithoutDaemon(context: CliContext, file: string | undefined): void {
  const { config } = configOf(context, file);
  using _ = lockData(config.data);
  if (inStore(config, context, (store) => store.halts.end("panic")) === true) return;
  throw new SekishoError("NOT_HALTED", "there is no panic to end", "sekisho run starts the daemon");
}

/** Null when there is no database, so nobody was ever banned. */
function inStore<T>(config: Config, { clock }: CliContext, work: (store: StoreWriter) => T): T | null {
  const file = databaseFile(config.data);
  if (!existsSync(file)) return null;
  try {
    using store = new StoreWriter(file, config.store.unparsed, clock);
    return work(store);
  } catch (cause) {
    throw new SekishoError(
      "PANIC_INCOMPLETE",
      `the database could not be told: ${messageOf(cause)}`,
      "do not start the daemon in enforce mode before this command succeeds, or start it with --mode observe",
      { cause },
    );
  }
}

const APPS_LATER =
  "guard: apps keep the bans that they were told until each ends, they are started anew, or Sekisho runs again\n";

/** A mistake in a log format must not keep anybody from lifting bans. */
const configOf = ({ cwd }: CliContext, file: string | undefined): LoadedConfig => loadConfig({ file, cwd });

/** Who asks from another folder than the daemon's must not read that nobody is blocked. */
const neverRan = (data: string): SekishoError =>
  new SekishoError(
    "DAEMON_NOT_RUNNING",
    `nothing was lifted: there is no configuration here, and no daemon ever ran with ${data}`,
    "name the daemon's configuration: sekisho panic --config FILE",
  );
