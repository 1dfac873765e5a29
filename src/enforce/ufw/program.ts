import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, SekishoError } from "../../model/errors.ts";
import { findProgram, type ProgramEnded, printable, runProgram } from "../program.ts";
import { textOf } from "../text-of.ts";
import { isWhole, type OwnRule, readKernelRules, readRules, type StoredRules } from "./rules.ts";
import { UfwTurn } from "./turn.ts";

/** A command takes a fifth of a second, one with 10,000 rules more than one. Killing it may leave half a file. */
const TIMEOUT_MS = 120_000;
const MAX_OUTPUT = 16 * 2 ** 20;
const LOOK_MS = 50;

export interface UfwPrograms {
  readonly ufw: string;
  readonly iptables: string;
  readonly ip6tables: string;
  readonly nft: string;
}

export interface UfwProgramOptions {
  readonly programs: UfwPrograms;
  /** The process whose files and neighbours are looked at: our own, unless a test has ufw in a namespace. */
  readonly process: number | "self";
  /** How long another program may hold ufw up. */
  readonly patienceMs: number;
  /**
   * Whose ufw is waited for: one that sees the same mounts, and so these rules, or `any`, for a service that systemd gave
   * mounts of its own, where the administrator's have others.
   */
  readonly mounts: "same" | "any";
}

/** A rule, and whether the kernel has it too. */
export type FoundRule = OwnRule & { readonly isLive: boolean };
export type FoundRules = Omit<StoredRules, "own"> & { readonly own: readonly FoundRule[] };

/** Runs ufw and reads its rules, one at a time, and never while somebody else runs it. Every failure is a SekishoError. */
export class UfwProgram {
  readonly programs: UfwPrograms;
  readonly #proc: string;
  readonly #patienceMs: number;
  readonly #turn: UfwTurn;

  constructor({ programs, process, patienceMs, mounts }: UfwProgramOptions) {
    this.programs = programs;
    this.#proc = `/proc/${process}`;
    this.#patienceMs = patienceMs;
    this.#turn = new UfwTurn(this.#proc, patienceMs, mounts);
  }

  /** A path as ufw sees it. */
  file(path: string): string {
    return join(this.#proc, "root", path);
  }

  /**
   * Whether ufw is on, and its rules are in the kernel. Not by `ufw status`, which waits for the lock, and says that ufw is
   * active where it is meant to be and failed to start.
   */
  async isActive(): Promise<boolean> {
    if ((await findProgram(this.programs.ufw)) === null) throw this.#missing();
    if (process.getuid?.() !== 0) throw notRoot();
    const settings = (await this.#read("/etc/ufw/ufw.conf")) ?? "";
    const isMeantToBe = /^\s*ENABLED=["']?yes["']?\s*$/im.test(settings);
    return isMeantToBe && (await this.#kernelRules()) !== null;
  }

  /** Runs one command and returns what it said. That it ended well says nothing: ufw does where it did nothing, too. */
  async command(args: readonly string[], signal: AbortSignal): Promise<string> {
    const { status, stdout, stderr } = await this.#turn.run((ending) => this.#start(args, ending), signal);
    const said = printable(`${stdout}${stderr}`, 300);
    if (status !== 0) throw failed(`'ufw ${args.join(" ")}' failed: ${said}`);
    return said;
  }

  /** False where ufw leaves IPv6 alone, so that it takes no rules for it. */
  async takesIpv6(): Promise<boolean> {
    const settings = await this.#read("/etc/default/ufw");
    return /^\s*IPV6=["']?yes["']?\s*$/im.test(settings ?? "");
  }

  /**
   * What ufw has stored, and with `live` whether the kernel has it. The files rather than `ufw status`: these are exact in
   * 1 ms, where that takes 100 ms, and tells nothing while ufw is off.
   */
  async rules(ports: string, live: boolean, signal: AbortSignal): Promise<FoundRules> {
    const stored = [
      readRules(await this.#rulesFile("/etc/ufw/user.rules", signal), ports),
      readRules(await this.#rulesFile("/etc/ufw/user6.rules", signal), ports),
    ];
    const kernel = live ? await this.#kernelRules() : null;
    const isLive = ({ target, ports }: OwnRule) => kernel === null || kernel.has(`${target} ${ports}`);
    return {
      own: stored.flatMap(({ own }) => own.map((rule) => ({ ...rule, isLive: isLive(rule) }))),
      foreign: stored[0]!.foreign.union(stored[1]!.foreign),
    };
  }

  /** Nothing where there is no such file. While ufw writes it, it is waited for. */
  async #rulesFile(path: string, signal: AbortSignal): Promise<string> {
    for (let waited = 0; ; waited += LOOK_MS) {
      const text = await this.#read(path);
      if (text === null || isWhole(text)) return text ?? "";
      if (waited >= this.#patienceMs)
        throw failed(`${path} is not whole: it does not end with COMMIT, so ufw did not finish writing it`);
      signal.throwIfAborted();
      await sleep(LOOK_MS);
    }
  }

  /** Null when ufw is off, or it cannot be told. */
  async #kernelRules(): Promise<ReadonlySet<string> | null> {
    let rules: ReadonlySet<string> = new Set();
    for (const [program, chain] of [
      [this.programs.iptables, "ufw-user-input"],
      [this.programs.ip6tables, "ufw6-user-input"],
    ] as const) {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const result = await runProgram(program, ["-S", chain], { maxOutput: MAX_OUTPUT, signal });
      // There is no such chain while ufw is off.
      if (result.kind !== "ended" || result.status !== 0 || result.isCut) return null;
      rules = rules.union(readKernelRules(result.stdout));
    }
    return rules;
  }

  async #read(path: string): Promise<string | null> {
    try {
      return await textOf(this.file(path));
    } catch (error) {
      throw failed(`${path} cannot be read: ${messageOf(error)}`, error);
    }
  }

  /** Not with the caller's signal: a ufw that is killed while it writes leaves half of its rules, which are a lock-out. */
  async #start(args: readonly string[], signal: AbortSignal): Promise<ProgramEnded> {
    const options = { timeoutMs: TIMEOUT_MS, maxOutput: MAX_OUTPUT, signal };
    const result = await runProgram(this.programs.ufw, args, options);
    if (result.kind === "ended") return result;
    if (result.kind === "late") throw failed(`'ufw ${args.join(" ")}' did not end in time`);
    throw this.#missing(result.cause);
  }

  #missing(cause?: unknown): SekishoError {
    return new SekishoError(
      "UFW_MISSING",
      `there is no program '${this.programs.ufw}'`,
      "install the package ufw, or take ufw out of enforcers",
      { cause },
    );
  }
}

const notRoot = (): SekishoError =>
  new SekishoError(
    "UFW_FAILED",
    "only root may run ufw",
    "as a service without root: enforcers: { ufw: { requests: /run/sekisho/ufw } }, as docs/service.md says",
  );

export const failed = (message: string, cause?: unknown): SekishoError =>
  new SekishoError(
    "UFW_FAILED",
    message,
    "see whether `sudo ufw status` works, and that Sekisho runs as root; it is tried again by itself",
    {
      cause,
    },
  );
