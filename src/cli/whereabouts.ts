import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  configFile,
  DATA_WITHOUT_CONFIG,
  USUAL_DATA,
  USUAL_LISTEN,
  type Whereabouts,
} from "../config/config-file.ts";
import { readTextFile } from "../config/text-file.ts";
import { YAML_OPTIONS } from "../config/yaml-options.ts";
import type { CliContext } from "./context.ts";
import { isAlive, readDaemonFile } from "./daemon-file.ts";
import { printableLines } from "./output.ts";

/** Where the daemon is; what else is wrong with its configuration is told, and keeps nobody from asking it. */
export async function whereabouts(context: CliContext, named: string | undefined): Promise<Whereabouts> {
  const file = configFile(named, context.cwd, "/");
  if (file === null)
    return { data: resolve(context.cwd, DATA_WITHOUT_CONFIG), listen: USUAL_LISTEN, problem: null };
  const running = await runningWith(file);
  if (running !== null) return running;
  // What checks a configuration takes longer to load than most commands run.
  const { loadWhereabouts } = await import("../config/load.ts");
  const found = loadWhereabouts({ file, cwd: context.cwd });
  if (found.problem !== null) {
    const message = printableLines(found.problem.message);
    context.stderr(
      `warning: the configuration has problems; going on with its data folder\n         ${message}\n`,
    );
  }
  return found;
}

/** The daemon that started with this very file as it still is, and so has checked it; null: look closer. */
async function runningWith(file: string): Promise<Whereabouts | null> {
  const { parseDocument } = await import("yaml");
  try {
    const document = parseDocument(readTextFile(file, "CONFIG_INVALID"), YAML_OPTIONS);
    const written = document.get("data") ?? USUAL_DATA;
    if (document.errors.length > 0 || typeof written !== "string") return null;
    const data = resolve(dirname(file), written);
    const running = readDaemonFile(data);
    if (running === null || running.readConfig?.file !== file || !isAlive(running.pid)) return null;
    // ctime: no program can set it back.
    return statSync(file).ctimeMs < running.readConfig.before
      ? { data, listen: running.listen, problem: null }
      : null;
  } catch {
    return null;
  }
}
