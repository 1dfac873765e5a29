import { accessSync, constants } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { findApache, MAIN_FILES } from "../apache-config/layout.ts";
import { checkYaml } from "../config/document.ts";
import { configFile } from "../config/load.ts";
import { configSchema } from "../config/schema.ts";
import { isThere, type Written, writeConfig } from "../config/write.ts";
import { SekishoError } from "../model/errors.ts";
import { type CliContext, subcommand } from "./context.ts";
import { configText } from "./init-config.ts";
import { type InitPlan, planFor } from "./init-plan.ts";
import { planJson, printPlan } from "./init-report.ts";
import { writeJson } from "./output.ts";

interface InitOptions {
  readonly apacheConfig?: string;
  readonly root?: string;
  /** True where no file is named. */
  readonly write?: string | true;
  readonly force?: boolean;
  readonly json?: boolean;
}

export const initCommand = (context: CliContext): Command =>
  subcommand("init", {
    summary: "Read Apache's configuration and make Sekisho's from it.",
    description:
      "Finds the logs with their formats, the vhosts, the trusted proxies and the places where WebSockets are passed on, " +
      "says what each comes from, and shows the configuration that this leads to. It writes nothing until --write, and " +
      "runs nothing of Apache's. Run it as root to see all of Apache's configuration.",
    examples: [
      ["sudo sekisho init", "see what is found, and what would be written"],
      ["sudo sekisho init --write", "write it: to the file that `sekisho run` reads"],
      ["sekisho init --write ./sekisho.yaml", "write it to a file of yours"],
      ["sekisho init --apache-config /opt/apache/conf/httpd.conf", "an Apache in another place"],
      ["sekisho init --root /var/lib/machines/web", "the Apache in a container's file tree"],
    ],
    exits: [
      [0, "shown, or written"],
      [1, "not written: the file is there already, or no log can be read"],
      [2, "wrong usage"],
      [3, "no Apache was found, its main file cannot be read, or the file cannot be written"],
    ],
  })
    .option("--apache-config <file>", "Apache's main file (default: where Debian and RHEL have it)")
    .option("--root <dir>", "where the file tree is that Apache's paths are in", "/")
    .option("-w, --write [file]", "write the configuration")
    .option("--force", "replace a configuration that is there; a copy of it is kept")
    .option("--json", "print JSON and nothing else")
    .action((options: InitOptions) => init(context, options));

function init(context: CliContext, options: InitOptions): void {
  if (options.force === true && options.write === undefined)
    throw new SekishoError("USAGE", "--force is for --write", "sekisho init --write --force");
  const plan = planFor(installation(context, options));
  const file = destination(context, options.write);
  const text = configText(plan, file.startsWith("/etc/") ? "/var/lib/sekisho" : "data");
  assertValid(file, text);
  if (options.json !== true) printPlan(context, plan, file, text);
  const written = options.write === undefined ? null : write(context, plan, { file, text, options });
  if (options.json === true) writeJson(context, planJson(plan, { file, text, written }));
  else context.stdout(`\n${nextSteps(context, plan, file, written)}`);
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
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || folder === "/") return false;
    }
  }
}

/** Whatever Apache's configuration says, ours must be one that can be read. */
function assertValid(file: string, text: string): void {
  const { problems } = checkYaml(file, text, configSchema);
  if (problems.length > 0) throw new Error(`the configuration that was made is wrong: ${problems[0]}`);
}

interface ToWrite {
  readonly file: string;
  readonly text: string;
  readonly options: InitOptions;
}

function write(context: CliContext, plan: InitPlan, { file, text, options }: ToWrite): Written | null {
  if (!plan.logs.some(({ verdict }) => verdict === "read")) {
    context.exitStatus = 1;
    return null;
  }
  return writeConfig(file, text, options.force === true, context.clock.now());
}

function nextSteps(
  { cwd, exitStatus }: CliContext,
  { config }: InitPlan,
  file: string,
  written: Written | null,
): string {
  if (written === null) {
    return exitStatus === 1
      ? "Nothing was written, since there would be nothing to read.\n"
      : `Nothing was written. The same command with ${isThere(file) ? "--write --force replaces" : "--write makes"} ${file}\n`;
  }
  const kept = written.backup === null ? "" : ` What was there is ${written.backup}.`;
  const option = configFile(undefined, cwd, "/") === file ? "" : ` --config ${file}`;
  const lacks = config.closed.length === 0 ? "" : " It lacks what this user may not read: see above.";
  return `Written: ${written.file}.${kept}${lacks}\nNow: sekisho check${option} && sekisho run${option}\n`;
}
