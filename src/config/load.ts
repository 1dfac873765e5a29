import { dirname, resolve } from "node:path";
import { z } from "zod";
import { SekishoError } from "../model/errors.ts";
import { isWebAddress } from "../model/web-address.ts";
import { runningLog } from "./audit-log.ts";
import { configFile, DATA_WITHOUT_CONFIG, mayBeThere, type Whereabouts } from "./config-file.ts";
import { type CheckFormat, crossCheck } from "./cross-check.ts";
import { type Discovery, discoverLogs } from "./discover.ts";
import { checkYaml, invalid } from "./document.ts";
import { nearest } from "./nearest.ts";
import { openFiles } from "./open-files.ts";
import { type Config, configSchema, type WrittenConfig } from "./schema.ts";
import { readTextFile } from "./text-file.ts";
import { type ConfigWarning, warningsFor } from "./warnings.ts";

export interface LoadedConfig {
  /** Every path in it is absolute. */
  readonly config: Config;
  /** Null when there is no file and the defaults run. */
  readonly file: string | null;
  /** What is allowed but probably not meant. */
  readonly warnings: readonly ConfigWarning[];
  /** What was found where the configuration names no logs; null when it names them. */
  readonly discovery: Discovery | null;
}

export interface LoadOptions {
  /** `--config`, as written on the command line. */
  readonly file?: string | undefined;
  readonly cwd: string;
  /** Throws a SekishoError when a log format cannot be read. Absent: whatever is written, as no log is to be read. */
  readonly checkFormat?: CheckFormat;
  /** Where /etc and /var/log are; tests pass their own. */
  readonly root?: string;
}

/**
 * The configuration that runs: `--config`, else ./sekisho.yaml, else /etc/sekisho/sekisho.yaml, else defaults. One file
 * is used whole. Relative paths in a file start at the file's folder. Throws CONFIG_UNREADABLE or CONFIG_INVALID.
 */
export function loadConfig({ file, cwd, checkFormat = () => {}, root = "/" }: LoadOptions): LoadedConfig {
  const found = configFile(file, cwd, root);
  const text = found === null ? "" : readTextFile(found, "CONFIG_INVALID");
  const document = checkYaml(found ?? "sekisho.yaml", text, configSchema);
  if (document.value === null) throw invalid("CONFIG_INVALID", document.problems);

  const discovery = document.has(["logs"]) ? null : discoverLogs(root);
  const data = found === null ? DATA_WITHOUT_CONFIG : document.value.data;
  const written = { ...document.value, data, logs: [...(discovery?.logs ?? document.value.logs)] };
  const config = absolutePaths(written, found === null ? cwd : dirname(found));
  const problems = crossCheck(config, written, checkFormat).map(({ path, message }) =>
    document.problem(path, message),
  );
  if (problems.length > 0) throw invalid("CONFIG_INVALID", problems);
  return {
    config,
    file: found,
    warnings: [...warningsFor(config), ...(found === null ? [] : openFiles(found, config))],
    discovery,
  };
}

/**
 * For those who talk to a daemon that runs: a mistake elsewhere in the file must not keep a person from lifting a ban.
 * Throws as `loadConfig` does when the file does not say where the daemon is.
 */
export function loadWhereabouts(options: Pick<LoadOptions, "file" | "cwd" | "root">): Whereabouts {
  try {
    const { config } = loadConfig(options);
    return { data: config.data, listen: config.dashboard.listen, problem: null };
  } catch (error) {
    if (!(error instanceof SekishoError && error.code === "CONFIG_INVALID")) throw error;
    const file = configFile(options.file, options.cwd, options.root ?? "/")!;
    const { raw } = checkYaml(file, readTextFile(file, "CONFIG_INVALID"), configSchema);
    const known = whereaboutsSchema.safeParse(raw);
    if (!known.success || isMisspelled(raw)) throw error;
    const { data, dashboard } = known.data;
    return { data: resolve(dirname(file), data), listen: dashboard.listen, problem: error };
  }
}

const dashboardSchema = configSchema.shape.dashboard.unwrap();
const whereaboutsSchema = z.object({
  data: configSchema.shape.data,
  dashboard: z.object({ listen: dashboardSchema.shape.listen }).prefault({}),
});

/** True when an unknown key was probably meant to say where the daemon is: the default would lead elsewhere. */
function isMisspelled(raw: unknown): boolean {
  const known = Object.keys(configSchema.shape);
  return Object.keys(raw as object)
    .filter((key) => !known.includes(key))
    .some((key) => ["data", "dashboard"].includes(nearest(key, known) ?? ""));
}

function absolutePaths(config: WrittenConfig, folder: string): Config {
  const data = resolve(folder, config.data);
  return {
    ...config,
    data,
    ...rulesFolders(config, folder),
    enforcers: enforcersAt(config, folder),
    lists: config.lists.map((list) =>
      isWebAddress(list.from) ? list : { ...list, from: resolve(folder, list.from) },
    ),
    logs: config.logs.map((log) => runningLog(log, folder, data)),
  };
}

function enforcersAt({ enforcers }: WrittenConfig, folder: string): Config["enforcers"] {
  const { guard } = enforcers;
  if (guard === undefined) return enforcers;
  return { ...enforcers, guard: { ...guard, socket: resolve(folder, guard.socket) } };
}

function rulesFolders(
  { rules, siteRules }: WrittenConfig,
  folder: string,
): Pick<Config, "rules" | "siteRules"> {
  const usual = resolve(folder, "rules.d");
  const own = rules === undefined ? {} : { rules: resolve(folder, rules) };
  if (siteRules !== undefined) return { ...own, siteRules: resolve(folder, siteRules) };
  // Who names it as the folder of all rules has no second use for it.
  return own.rules === usual || !mayBeThere(usual) ? own : { ...own, siteRules: usual };
}
