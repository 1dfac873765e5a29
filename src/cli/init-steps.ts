import { accessSync, constants, existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { findApache, MAIN_FILES } from "../apache-config/layout.ts";
import { configFile } from "../config/config-file.ts";
import { checkYaml } from "../config/document.ts";
import { loadWhereabouts } from "../config/load.ts";
import { configSchema } from "../config/schema.ts";
import { readTextFile } from "../config/text-file.ts";
import { isThere, type Written, writeConfig } from "../config/write.ts";
import { SekishoError, systemCode } from "../model/errors.ts";
import { calledAs } from "./called.ts";
import type { CliContext } from "./context.ts";
import { runningPid } from "./daemon-file.ts";
import { configText } from "./init-config.ts";
import { mergeConfig } from "./init-merge.ts";
import { type InitPlan, logsToRead, planFor } from "./init-plan.ts";
import { isUnchanged, type Outcome, planJson, printPlan } from "./init-report.ts";
import { writeJson } from "./output.ts";

export interface InitOptions {
  readonly apacheConfig?: string;
  readonly root?: string;
  /** True where no file is named. */
  readonly write?: string | true;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Reads Apache's configuration, shows what is found, and writes where it is told to. */
export function init(context: CliContext, options: InitOptions): void {
  if (options.force === true && options.write === undefined)
    throw new SekishoError("USAGE", "--force is for --write", "sekisho init --write --force");
  const isElsewhere = resolve(context.cwd, options.root ?? "/") !== "/";
  if (isElsewhere && options.write === true) throw unnamed();
  const plan = planFor(installation(context, options));
  const file = isElsewhere && options.write === undefined ? null : destination(context, options.write);
  const made = configText(plan, file?.startsWith("/etc/") ? "/var/lib/sekisho" : "data");
  assertValid(file ?? "sekisho.yaml", made);
  const outcome = proposed(file, made);
  if (options.json !== true) printPlan(context, plan, outcome);
  const written = options.write === undefined ? null : write(context, plan, outcome, options.force === true);
  if (options.json === true) writeJson(context, planJson(plan, outcome, written));
  else context.stdout(`\n${nextSteps(context, plan, outcome, written)}`);
}

/** The paths that were found begin with DIR: nothing for this machine's own configuration. */
const unnamed = (): SekishoError =>
  new SekishoError(
    "USAGE",
    "with --root, --write must name the file: what was found there is not this machine's Apache",
    "sekisho init --root DIR --write ./sekisho.yaml",
  );

/** What would stand in `file`: all that is new, or what is there with its changes. */
function proposed(file: string | null, made: string): Outcome {
  const fresh = { file, text: made, changes: null, refusal: null };
  // A link that leads nowhere has nothing to keep.
  if (file === null || !isThere(file) || !existsSync(file)) return fresh;
  try {
    return { file, ...mergeConfig(file, readTextFile(file, "CONFIG_INVALID"), made), refusal: null };
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error;
    return { ...fresh, refusal: error };
  }
}

/** Apache's files, or an error that says where they were looked for. */
function installation(context: CliContext, { apacheConfig, root = "/" }: InitOptions) {
  const tree = resolve(context.cwd, root);
  const found = findApache(tree, apacheConfig === undefined ? null : resolve(context.cwd, apacheConfig));
  if (found === null) {
    const places = MAIN_FILES.map(({ main }) => join(tree, main)).join(", ");
    throw new SekishoError(
      "APACHE_CONFIG_UNREADABLE",
      `no Apache was found: there is none of ${places}`,
      "name its main file: sekisho init --apache-config FILE. To see Sekisho without Apache: sekisho run --demo",
    );
  }
  const main = found.tree.read(found.main);
  if ("text" in main) return found;
  const why = main.failure === "missing" ? "there is no such file" : main.failure;
  const hint =
    main.failure === "no permission to read it"
      ? "run it as root: sudo sekisho init"
      : "name Apache's main file";
  throw new SekishoError("APACHE_CONFIG_UNREADABLE", `${found.main}: ${why}`, hint);
}

/** The file that `run` would read, or the first of its places where this user may make one. */
function destination({ cwd }: CliContext, write: string | true | undefined): string {
  if (typeof write === "string") return resolve(cwd, write);
  const usual = "/etc/sekisho/sekisho.yaml";
  return configFile(undefined, cwd, "/") ?? (mayMake(usual) ? usual : join(cwd, "sekisho.yaml"));
}

function mayMake(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    try {
      accessSync(folder, constants.W_OK | constants.X_OK);
      return true;
    } catch (error) {
      if (systemCode(error) !== "ENOENT" || folder === "/") return false;
    }
  }
}

/** Whatever Apache's configuration says, ours must be one that can be read. */
function assertValid(file: string, text: string): void {
  const { problems } = checkYaml(file, text, configSchema);
  if (problems.length > 0) throw new Error(`the configuration that was made is wrong: ${problems[0]}`);
}

function write(context: CliContext, plan: InitPlan, outcome: Outcome, force: boolean): Written | null {
  const { file, text, refusal } = outcome;
  if (logsToRead(plan).length === 0) {
    context.exitStatus = 1;
    return null;
  }
  if (force && refusal !== null) throw refusal;
  if (file === null || (force && isUnchanged(outcome))) return null;
  return writeConfig(file, text, force, context.clock.now());
}

function nextSteps(context: CliContext, { config }: InitPlan, outcome: Outcome, written: Written | null) {
  const { file } = outcome;
  const sekisho = calledAs(context);
  if (written === null) {
    if (context.exitStatus === 1) return "Nothing was written, since there would be nothing to read.\n";
    if (file === null)
      return "Nothing was written. The same command with --write FILE makes FILE; with --root it has to be named.\n";
    if (isUnchanged(outcome)) return `Nothing was written: ${file} says all of this already.\n`;
    return `Nothing was written. The same command with ${isThere(file) ? "--write --force changes" : "--write makes"} ${file}\n`;
  }
  const kept = written.backup === null ? "" : ` What was there is ${written.backup}.`;
  const option = configFile(undefined, context.cwd, "/") === file ? "" : ` --config ${file}`;
  const lacks = config.closed.length === 0 ? "" : " It lacks what this user may not read: see above.";
  const pid = runningPid(loadWhereabouts({ file: written.file, cwd: context.cwd }).data);
  const next =
    pid === null
      ? `${sekisho} check${option} && ${sekisho} run${option}`
      : `kill -HUP ${pid}\nThe daemon that runs reads it then.`;
  return `Written: ${written.file}.${kept}${lacks}\nNow: ${next}\n`;
}
