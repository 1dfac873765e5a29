import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, SekishoError } from "../model/errors.ts";
import { HOME, LINK } from "./places.ts";
import type { Step } from "./plan.ts";

/** Whether there is nothing to do for it. `root`: where the system's files are. */
export function isDone(step: Step, root: string): boolean {
  switch (step.kind) {
    case "user":
      return new RegExp(`^${step.name}:`, "m").test(readFileSync(join(root, "etc/passwd"), "utf8"));
    case "file":
      return isThere(join(root, step.path)) && readFileSync(join(root, step.path), "utf8") === step.text;
    case "link": {
      const path = join(root, step.path);
      return isThere(path) && lstatSync(path).isSymbolicLink() && readlinkSync(path) === step.to;
    }
    case "make-folder":
      return isThere(join(root, step.path));
    case "folder":
      return isSame(step.from, join(root, step.path));
    case "packages":
      return step.names.every((name) => isSame(join(step.from, name), join(root, step.path, name)));
    case "run":
      return false;
  }
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Those of `paths` that are there. A link to a checkout is whose checkout it is, and stays. */
export const removable = (paths: readonly string[], root: string): string[] =>
  paths.filter((path) => {
    const there = join(root, path);
    return isThere(there) && (path !== LINK || readlinkSync(there).startsWith(`${HOME}/`));
  });

/** A copy's time is rounded, to either side. */
const CLOCK_GRAIN_MS = 2;

/** By names, sizes and times of all that is in them, as copies keep the times. */
function isSame(from: string, to: string): boolean {
  if (!existsSync(to)) return false;
  const names = (folder: string): string[] => (readdirSync(folder, { recursive: true }) as string[]).sort();
  const [ours, theirs] = [names(from), names(to)];
  if (ours.length !== theirs.length) return false;
  return ours.every((name, index) => {
    if (name !== theirs[index]) return false;
    const [a, b] = [lstatSync(join(from, name)), lstatSync(join(to, name))];
    return a.isDirectory() || (a.size === b.size && Math.abs(a.mtimeMs - b.mtimeMs) < CLOCK_GRAIN_MS);
  });
}

/** Does it. What is replaced is put in its place at once, so that a crash leaves the old or the new. Throws INSTALL_FAILED. */
export function carryOut(step: Step, root: string): void {
  try {
    if (step.kind === "run")
      execFileSync(step.command[0], step.command.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
    else if (step.kind === "user")
      execFileSync("systemd-sysusers", ["/etc/sysusers.d/sekisho.conf"], { stdio: "pipe" });
    else if (step.kind === "packages") {
      for (const name of step.names)
        place({ kind: "folder", from: join(step.from, name), path: "" }, join(root, step.path, name));
    } else place(step, join(root, step.path));
  } catch (cause) {
    throw new SekishoError(
      "INSTALL_FAILED",
      `${describe(step)}: ${saidBy(cause)}`,
      `${step.kind === "run" && step.command[0] === "systemctl" ? "journalctl -u sekisho -n 20 may say why; " : ""}what was done stays; correct it and run the command again`,
      { cause },
    );
  }
}

/** The last line that a program wrote, else what Node says. */
function saidBy(cause: unknown): string {
  const said =
    cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim().split("\n").at(-1) : "";
  return said === "" || said === undefined ? messageOf(cause) : said;
}

function place(step: Exclude<Step, { readonly kind: "run" | "user" | "packages" }>, path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const fresh = `${path}.new`;
  rmSync(fresh, { recursive: true, force: true });
  if (step.kind === "make-folder") return void mkdirSync(path, { recursive: true, mode: step.mode });
  if (step.kind === "link") symlinkSync(step.to, fresh);
  else if (step.kind === "file") {
    writeFileSync(fresh, step.text, { mode: step.mode });
    chmodSync(fresh, step.mode);
  } else {
    cpSync(step.from, fresh, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    // A folder cannot be renamed over another.
    if (existsSync(path) && statSync(path).isDirectory()) renameSync(path, `${path}.old`);
  }
  renameSync(fresh, path);
  rmSync(`${path}.old`, { recursive: true, force: true });
}

export function describe(step: Step): string {
  switch (step.kind) {
    case "user":
      return `user and group ${step.name}, without a shell`;
    case "folder":
      return `copy ${step.path}`;
    case "packages":
      return `copy ${step.path}/node_modules: ${step.names.length} packages, Node among them`;
    case "file":
      return `write ${step.path}`;
    case "link":
      return `link ${step.path} → ${step.to}`;
    case "make-folder":
      return `make ${step.path}`;
    case "run":
      return `run ${step.command.join(" ")}: ${step.why}`;
  }
}
