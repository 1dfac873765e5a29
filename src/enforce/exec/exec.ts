import { isAbsolute } from "node:path";
import type { Block } from "../../model/decision.ts";
import { SekishoError } from "../../model/errors.ts";
import { parseTarget, type Target } from "../../model/ip.ts";
import { toIsoOrNull } from "../../model/time.ts";
import { areSame, type Ends, endsOf } from "../ends.ts";
import { type Enforced, type Enforcer, NOTHING_ENFORCED } from "../enforcer.ts";
import { firstWritableByOthers } from "../foreign-writers.ts";
import { findProgram, type ProgramResult, printable, runProgram } from "../program.ts";
import { HandedFile } from "./handed-file.ts";

/** What the program may say of itself; the rest is dropped. */
const MAX_OUTPUT = 1_048_576;

export interface ExecOptions {
  /** Program and arguments. No shell reads them. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** Remembers what the program was given, over a restart. */
  readonly stateFile: string;
}

/**
 * Blocks by an administrator's own program, which gets the wanted set on its standard input (docs/firewall.md) and
 * answers by its exit status. What it does with it cannot be looked at, so what it accepted last is remembered in a
 * file, and a verification hands it the whole set again.
 */
export class Exec implements Enforcer {
  readonly name = "exec";
  readonly level = "request";
  readonly schedule = null;
  readonly #command: readonly string[];
  readonly #timeoutMs: number;
  readonly #state: HandedFile;
  #handed: Ends | null = null;
  #enforced = NOTHING_ENFORCED;

  constructor({ command, timeoutMs, stateFile }: ExecOptions) {
    this.#command = command;
    this.#timeoutMs = timeoutMs;
    this.#state = new HandedFile(stateFile);
  }

  async probe(): Promise<void> {
    const [program] = this.#command as [string];
    if (!isAbsolute(program) || (await findProgram(program)) === null) throw missing(program);
    await this.#checkOwners();
  }

  /** Throws when others may change what is run. With its arguments: the script may be one, behind its interpreter. */
  async #checkOwners(): Promise<void> {
    for (const path of this.#command.filter(isAbsolute)) {
      const open = await firstWritableByOthers(path);
      if (open !== null) throw unsafe(path, open);
    }
  }

  async blocked(): Promise<ReadonlySet<Target>> {
    return new Set((await this.#state.read()).keys());
  }

  async reconcile(want: readonly Block[], verify: boolean, signal: AbortSignal): Promise<Enforced> {
    const wanted = endsOf(want);
    const known = this.#handed;
    if (!verify && known !== null && areSame(known, wanted)) return this.#enforced;
    const before = known ?? (await this.#state.read());
    // Until it has answered nobody knows what it did: it may hold all of this, and be asked to lift it.
    this.#handed = null;
    const possible: Ends = new Map([...before, ...wanted]);
    if (!areSame(before, possible)) await this.#state.write(possible);
    const unenforced = await this.#run(request(before, wanted, known === null), signal);
    if (!areSame(possible, wanted)) await this.#state.write(wanted);
    this.#handed = wanted;
    const targets = [...wanted.keys()];
    this.#enforced = {
      ...NOTHING_ENFORCED,
      inForce: new Set(targets.filter((target) => !unenforced.has(target))),
      unenforced: targets.filter((target) => unenforced.has(target)),
    };
    return this.#enforced;
  }

  async apply(): Promise<Enforced> {
    return this.#enforced;
  }

  /** Returns what the program says it cannot carry. Throws EXEC_MISSING or EXEC_FAILED. */
  async #run(input: string, signal: AbortSignal): Promise<ReadonlySet<Target>> {
    const [program, ...args] = this.#command as [string, ...string[]];
    // Each time: what is lifted is not probed for, and owners change.
    await this.#checkOwners();
    const result = await runProgram(program, args, {
      input,
      timeoutMs: this.#timeoutMs,
      maxOutput: MAX_OUTPUT,
      signal,
    });
    if (result.kind === "missing") throw missing(program, result.cause);
    if (result.kind === "late" || result.status !== 0) throw failed(program, result);
    return unenforcedIn(result.stdout);
  }
}

/**
 * What the program reads, documented in docs/firewall.md. Fields may be added, none is renamed or dropped within a version.
 * After a start and after a failure all that is wanted is new to it (`isAnew`).
 */
function request(before: Ends, wanted: Ends, isAnew: boolean): string {
  const all = [...wanted].map(([target, until]) => ({ target, until: toIsoOrNull(until) }));
  return `${JSON.stringify({
    version: 1,
    want: all,
    add: isAnew ? all : all.filter(({ target }) => before.get(target) !== wanted.get(target)),
    remove: [...before.keys()].filter((target) => !wanted.has(target)),
  })}\n`;
}

/** The program may print `{"unenforced": ["192.0.2.0/24"]}`; anything else on its standard output is its own affair. */
function unenforcedIn(stdout: string): ReadonlySet<Target> {
  const refused = new Set<Target>();
  let said: unknown;
  try {
    said = JSON.parse(stdout);
  } catch {
    return refused;
  }
  const listed = typeof said === "object" && said !== null && "unenforced" in said ? said.unenforced : [];
  for (const text of Array.isArray(listed) ? listed : []) {
    const target = typeof text === "string" ? parseTarget(text) : null;
    if (target !== null) refused.add(target);
  }
  return refused;
}

function failed(program: string, result: Exclude<ProgramResult, { kind: "missing" }>): SekishoError {
  const how =
    result.kind === "late"
      ? `did not end within ${result.timeoutMs / 1000} s and was killed`
      : result.status === null
        ? "was killed by a signal"
        : `ended with status ${result.status}`;
  const last = printable(lastLine(result.stderr), 300);
  return new SekishoError(
    "EXEC_FAILED",
    `${program} ${how}${last === "" ? "" : `: ${last}`}`,
    "docs/firewall.md shows what it is given and how to try it by hand; it is run again by itself",
  );
}

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1)!;

const missing = (program: string, cause?: unknown): SekishoError =>
  new SekishoError(
    "EXEC_MISSING",
    `there is no program ${program} that could be run`,
    "enforcers.exec.command begins with the absolute path of an executable file (chmod +x)",
    { cause },
  );

const unsafe = (path: string, open: string): SekishoError =>
  new SekishoError(
    "EXEC_UNSAFE",
    `${path} is not run, since others may change it: ${open} belongs to somebody else or is writable by all`,
    `chown root ${open} && chmod o-w ${open}`,
  );
