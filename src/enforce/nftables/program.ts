import { messageOf, SekishoError } from "../../model/errors.ts";
import { mayAdministerNetwork } from "../network-admin.ts";
import { findProgram, type ProgramResult, printable, runProgram } from "../program.ts";
import { hasTable } from "./listing.ts";
import { createTable, TABLE } from "./script.ts";

/** 100,000 elements are 7 MB of JSON. More than this could not be one string. */
const MAX_LISTING = 256 * 2 ** 20;
/** Half a million elements take some seconds. */
const TIMEOUT_MS = 60_000;

/** In a table that is never made: `nft --check` leaves everything as it is. */
const TRIAL = createTable(["ipv4_32", "ipv4_24", "ipv6_64"], [80, 443], `${TABLE}_trial`);

const IS_LATE = "it did not end in time";

export interface NftOptions {
  readonly program: string;
  readonly table: string;
  readonly timeoutMs?: number;
}

/** Runs nft. Every failure is a SekishoError. */
export class Nft {
  readonly #program: string;
  readonly #table: string;
  readonly #timeoutMs: number;

  constructor({ program, table, timeoutMs = TIMEOUT_MS }: NftOptions) {
    this.#program = program;
    this.#table = table;
    this.#timeoutMs = timeoutMs;
  }

  async isThere(): Promise<boolean> {
    return (await findProgram(this.#program)) !== null;
  }

  /** Throws when this machine, or what we may do on it, does not allow what `Nftables` does. */
  async probe(signal: AbortSignal): Promise<void> {
    const result = await this.#start(["--check", "--file", "-"], TRIAL, signal);
    if (isSuccess(result)) return;
    if (result.kind === "late") throw failed("test a table", IS_LATE);
    throw await this.#refused("test a table", result.stderr, unsupported);
  }

  /** All of it happens or, when this throws, nothing: save after a time limit, when it is not known. */
  async change(commands: readonly string[], signal: AbortSignal): Promise<void> {
    const what = `change table ${this.#table}`;
    const result = await this.#start(["--file", "-"], commands, signal);
    if (isSuccess(result)) return;
    if (result.kind === "late") throw failed(what, IS_LATE);
    throw await this.#refused(what, result.stderr, failed);
  }

  /** Our table with its elements, as nft's JSON; null where there is none. */
  async listTable(signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#list(["table", ...this.#table.split(" ")], signal);
    } catch (error) {
      // Where there is no such table, listing it fails just as where something is wrong.
      if ((await this.listRules(signal)) === null) return null;
      throw error;
    }
  }

  /** As `listTable`, without elements: a hundred times as fast where there are 100,000. */
  async listRules(signal: AbortSignal): Promise<unknown> {
    const listed = await this.#list(["ruleset", "inet"], signal, "--terse");
    return hasTable(this.#table, listed) ? listed : null;
  }

  async #list(what: readonly string[], signal: AbortSignal, ...options: string[]): Promise<unknown> {
    const reading = `read table ${this.#table}`;
    const result = await this.#start(["--json", ...options, "list", ...what], null, signal);
    if (result.kind === "late") throw failed(reading, IS_LATE);
    if (result.isCut) throw failed(reading, "it is too long");
    if (result.status !== 0) throw await this.#refused(reading, result.stderr, failed);
    try {
      return JSON.parse(result.stdout);
    } catch (error) {
      throw failed(reading, messageOf(error));
    }
  }

  async #start(args: readonly string[], commands: readonly string[] | null, signal: AbortSignal) {
    const result = await runProgram(this.#program, args, {
      ...(commands === null ? {} : { input: `${commands.join("\n")}\n` }),
      timeoutMs: this.#timeoutMs,
      maxOutput: MAX_LISTING,
      signal,
    });
    if (result.kind !== "missing") return result;
    throw new SekishoError(
      "NFT_MISSING",
      `there is no program '${this.#program}'`,
      "install the package nftables, or take nftables out of enforcers",
      { cause: result.cause },
    );
  }

  async #refused(
    what: string,
    output: string,
    otherwise: (what: string, why: string) => SekishoError,
  ): Promise<SekishoError> {
    // Root of a container may have every capability, and none over the network's namespace: only nft's words tell.
    const isDenied = !(await mayAdministerNetwork()) || output.includes("Operation not permitted");
    if (!isDenied) return otherwise(what, printable(output));
    return new SekishoError(
      "NFT_PERMISSION",
      `nft may not ${what}: ${printable(output)}`,
      "grant CAP_NET_ADMIN (AmbientCapabilities=CAP_NET_ADMIN in the unit), or take nftables out of enforcers",
    );
  }
}

type Started = Exclude<ProgramResult, { readonly kind: "missing" }>;

const isSuccess = (result: Started): boolean => result.kind === "ended" && result.status === 0;

const failed = (what: string, why: string): SekishoError =>
  new SekishoError(
    "NFT_FAILED",
    `nft could not ${what}: ${why}`,
    "it is tried again; `sudo nft list ruleset inet` shows what is there",
  );

const unsupported = (what: string, why: string): SekishoError =>
  new SekishoError(
    "NFT_UNSUPPORTED",
    `nft could not ${what}: ${why}`,
    "load nf_tables (modprobe nf_tables), update nftables (1.0.6 is known to do), or take nftables out of enforcers",
  );
