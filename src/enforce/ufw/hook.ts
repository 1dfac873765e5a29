import { lstat, open, readFile, rename, rm } from "node:fs/promises";
import type { Block } from "../../model/decision.ts";
import { messageOf, systemCode } from "../../model/errors.ts";
import { prefixOf } from "../../model/ip.ts";
import { type Clock, NEVER } from "../../model/time.ts";
import { createTable, setOf } from "../nftables/script.ts";
import { type ProgramResult, printable, runProgram } from "../program.ts";
import { failed } from "./program.ts";

/** The table that holds what ufw's list has no room for. */
export const UFW_TABLE = "inet sekisho_ufw";

/** ufw runs it before it loads its rules, if it is executable; Debian ships it without effect, and not executable. */
const SCRIPT = "/etc/ufw/before.init";
const LIST = "/etc/ufw/sekisho.list";

const BEGIN = "# >>> sekisho: put here by Sekisho, and removed by it";
const END = "# <<< sekisho";
const EXIT = "exit 0 # this file was not executable: what follows stays without effect, as before";

/** Makes nft's commands of the list; what is in it and has ended since is left out. */
const AWK = [
  `    /^- / { sub(/^- /, ""); print }`,
  '    /^[0-9]+ / { left = $1 - now; if (left <= 0) next; sub(/^[0-9]+ /, "")',
  // In days, since neither awk nor nft takes any number of seconds.
  `      span = sprintf("%dd%ds", int(left / 86400), left % 86400); sub(/ @ /, " " span " "); print }`,
];

/**
 * Loads the list when ufw starts, and takes it away when ufw stops. Whatever is missing or goes wrong, it ends well and
 * soon: if it failed, ufw would not load its rules and let nobody in.
 */
const LINES = [
  BEGIN,
  `case "\${1:-}" in`,
  "start)",
  `  { awk -v now="$(date +%s)" '`,
  ...AWK,
  `  ' ${LIST} | timeout 30 nft -f -; } >/dev/null 2>&1 || : ;;`,
  `stop) timeout 30 nft delete table ${UFW_TABLE} >/dev/null 2>&1 || : ;;`,
  "esac",
];

export interface UfwHookOptions {
  readonly ports: readonly number[];
  /** A path as ufw sees it. */
  readonly file: (path: string) => string;
  readonly nft: string;
  readonly clock: Clock;
}

/**
 * Keeps what is in the set in a list that ufw itself loads when it starts, so that a boot, `ufw reload` and `ufw disable`
 * treat these bans as they treat rules: through marked lines at the top of ufw's own before.init.
 */
export class UfwHook {
  readonly #options: UfwHookOptions;
  /** What the list says; null when it is not known. */
  #listed: string | null = null;
  /** The kinds of blocks of which it is known that ufw would load them. */
  #tried: string | null = null;

  constructor(options: UfwHookOptions) {
    this.#options = options;
  }

  /** Makes the list equal these blocks, and has ufw load it if there are any. `verify` looks at what is there. */
  async keep(blocks: readonly Block[], verify: boolean, signal: AbortSignal): Promise<void> {
    const text = blocks.length === 0 ? "" : listText(blocks, this.#options.ports);
    if (text === this.#listed && !verify) return;
    this.#listed = null;
    if (text !== "") await this.#try(blocks, verify, signal);
    await this.#attempt(LIST, (list) => write(list, text));
    if (text !== "") await this.#attempt(SCRIPT, putIn);
    this.#listed = text;
  }

  /** Leaves before.init as it was. */
  async remove(signal: AbortSignal): Promise<void> {
    await this.keep([], true, signal);
    await this.#attempt(SCRIPT, takeOut);
  }

  /** Throws when ufw could not load it, so that the list of before stays. Of each kind one: others differ in address and end. */
  async #try(blocks: readonly Block[], verify: boolean, signal: AbortSignal): Promise<void> {
    const kinds = new Map(blocks.map((block) => [`${setOf(block.target)} ${block.until === NEVER}`, block]));
    const kindsText = [...kinds.keys()].sort().join();
    if (kindsText === this.#tried && !verify) return;
    this.#tried = null;
    const { ports, nft, clock } = this.#options;
    const now = String(Math.floor(clock.now() / 1_000));
    const awk = await runProgram("awk", ["-v", `now=${now}`, AWK.join("\n")], {
      input: listText([...kinds.values()], ports),
      signal,
    });
    const wrong =
      said(awk) ?? said(await runProgram(nft, ["--check", "--file", "-"], { input: stdoutOf(awk), signal }));
    if (wrong !== null) throw failed(`ufw could not load ${LIST}, so it stays as it was: ${wrong}`);
    this.#tried = kindsText;
  }

  async #attempt(path: string, work: (file: string) => Promise<void>): Promise<void> {
    try {
      await work(this.#options.file(path));
    } catch (error) {
      if (systemCode(error) === null) throw error;
      throw failed(`${path} cannot be changed: ${messageOf(error)}`, error);
    }
  }
}

/** Null for a program that ended well. */
function said(result: ProgramResult): string | null {
  if (result.kind === "missing") return messageOf(result.cause);
  return result.kind === "ended" && result.status === 0 ? null : printable(result.stderr, 300) || result.kind;
}

const stdoutOf = (result: ProgramResult): string => (result.kind === "missing" ? "" : result.stdout);

/** nft's commands; `-` before those that always hold, the end of the block before those that hold until then. */
function listText(blocks: readonly Block[], ports: readonly number[]): string {
  const sets = new Set(blocks.map(({ target }) => setOf(target)));
  const line = ({ target, until }: Block): string => {
    const element = `add element ${UFW_TABLE} ${setOf(target)} { ${prefixOf(target).address}`;
    return until === NEVER ? `- ${element} }` : `${Math.ceil(until / 1_000)} ${element} timeout @ }`;
  };
  return [
    "# Written by Sekisho: bans that ufw's own list has no room for, each after the second at which it ends.",
    ...createTable(sets, ports, UFW_TABLE).map((command) => `- ${command}`),
    ...blocks.map(line),
    "",
  ].join("\n");
}

/** An empty list is none. */
async function write(file: string, text: string): Promise<void> {
  if (text === "") return rm(file, { force: true });
  if ((await readPlain(file))?.text !== text) await replace(file, text, 0o600);
}

/** Where the file is missing it is made; what is no shell script of an administrator's own making is left alone. */
async function putIn(file: string): Promise<void> {
  if ((await readPlain(file))?.text.includes(LINES.join("\n"))) return;
  // Those of another version.
  await takeOut(file);
  const { text, mode } = (await readPlain(file)) ?? { text: "#!/bin/sh\n", mode: 0o640 };
  const [shebang = "", ...rest] = text.split("\n");
  if (!/^#! ?\/bin\/(ba|da)?sh\b/.test(shebang)) return;
  const isAsleep = (mode & 0o111) === 0;
  const lines = [...LINES, ...(isAsleep ? [EXIT] : []), END];
  await replace(file, [shebang, ...lines, ...rest].join("\n"), mode | 0o100);
}

async function takeOut(file: string): Promise<void> {
  const { text, mode } = (await readPlain(file)) ?? { text: "", mode: 0 };
  const from = text.indexOf(`${BEGIN}\n`);
  const end = text.indexOf(`\n${END}\n`, from);
  if (from === -1 || end === -1) return;
  const ours = text.slice(from, end);
  const left = text.slice(0, from) + text.slice(end + END.length + 2);
  if (left.trim() === "#!/bin/sh") return rm(file);
  await replace(file, left, ours.endsWith(EXIT) ? mode & ~0o111 : mode);
}

/** Null where there is none. A link is somebody's own arrangement. */
async function readPlain(file: string): Promise<{ readonly text: string; readonly mode: number } | null> {
  try {
    const stats = await lstat(file);
    if (!stats.isFile()) return { text: "", mode: 0 };
    return { text: await readFile(file, "utf8"), mode: stats.mode & 0o777 };
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** At once, and on the disk before it has its name: after a loss of power, too, ufw finds the old file or the new one. */
async function replace(file: string, text: string, mode: number): Promise<void> {
  const fresh = `${file}.sekisho-new`;
  {
    await using made = await open(fresh, "w", mode);
    await made.writeFile(text);
    await made.chmod(mode);
    await made.sync();
  }
  await rename(fresh, file);
}
