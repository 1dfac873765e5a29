import { setTimeout as sleep } from "node:timers/promises";
import type { Block } from "../../model/decision.ts";
import { SekishoError } from "../../model/errors.ts";
import { prefixOf, type Target } from "../../model/ip.ts";
import type { Clock, UnixMs } from "../../model/time.ts";
import { type Enforced, type Enforcer, NOTHING_ENFORCED } from "../enforcer.ts";
import { Nftables } from "../nftables/nftables.ts";
import { UFW_TABLE, UfwHook } from "./hook.ts";
import { isGood, type Plan, planRules } from "./plan.ts";
import { type FoundRules, failed, UfwProgram, type UfwProgramOptions } from "./program.ts";
import { portsText } from "./rules.ts";

export interface UfwOptions {
  readonly program: UfwProgram;
  /** Where the bans are that ufw's list has no room for. */
  readonly set: Enforcer;
  /** Has ufw load that set when it starts. */
  readonly hook: UfwHook;
  readonly ports: readonly number[];
  /** Rules of ours at most. */
  readonly limit: number;
  /** Between two commands, in times of the command before. Default: 1, so that ufw and its machine rest half of the time. */
  readonly rest?: number;
  /** New rules in one reconciliation, so that the next ban and the next unban need not wait for long. Default: 20. */
  readonly batch?: number;
}

/**
 * Blocks by rules of ufw's, made by its own commands, so that they are in `ufw status` with the comment that tells when they
 * end. ufw is slow and takes one rule at a time, so a new ban is in a set of nftables first, at once, and moves to a
 * rule where there is room:
 *
 *     wanted ── one transaction ──▶ set ── ufw prepend, while there are fewer rules than `limit` ──▶ rule
 *
 * Without nft there is no set: then all waits for ufw, and what is above the limit is not enforced. ufw is never turned on
 * or off or reloaded here, and rules without our comment are left alone.
 */
export class Ufw implements Enforcer {
  readonly name = "ufw";
  readonly level = "packet";
  readonly schedule = null;
  readonly #options: UfwOptions;
  readonly #ports: string;
  /** Our rules as they were last; null before the first look, and while that is not known. */
  #rules: FoundRules | null = null;
  #hasSet = false;
  #enforced = NOTHING_ENFORCED;

  constructor(options: UfwOptions) {
    this.#options = options;
    this.#ports = portsText(options.ports);
  }

  async probe(): Promise<void> {
    if (await this.#options.program.isActive()) return;
    throw new SekishoError(
      "UFW_INACTIVE",
      "ufw is not active, so its rules block nobody",
      "let yourself in and turn it on: ufw allow OpenSSH && ufw allow 80,443/tcp && ufw enable; Sekisho never does that by itself",
    );
  }

  async blocked(signal: AbortSignal): Promise<ReadonlySet<Target>> {
    const { program, set } = this.#options;
    const { own } = await program.rules(this.#ports, false, signal);
    return new Set([...own.map(({ target }) => target), ...(await set.blocked(signal))]);
  }

  /** All that it holds, each with what tells its end where it is a rule: to be compared with another look. */
  async held(signal: AbortSignal): Promise<readonly string[]> {
    const { program, set } = this.#options;
    const { own } = await program.rules(this.#ports, true, signal);
    const good = own.filter((rule) => isGood(rule, this.#ports));
    return [...good.map(({ target, comment }) => `${target} ${comment}`), ...(await set.blocked(signal))];
  }

  async reconcile(want: readonly Block[], verify: boolean, signal: AbortSignal): Promise<Enforced> {
    const { program, limit, hook, batch = 20 } = this.#options;
    const wanted = new Map<Target, UnixMs>();
    // A rule for everybody would be everybody's lock-out.
    for (const { target, until } of want) if (prefixOf(target).bits > 0) wanted.set(target, until);
    const believed = this.#rules;
    const isVerified = verify || believed === null;
    const found = isVerified ? await program.rules(this.#ports, true, signal) : believed;
    this.#rules = null;
    if (isVerified) this.#hasSet = await this.#canUseSet(signal);
    const plan = planRules(wanted, found, {
      ports: this.#ports,
      limit,
      batch: this.#hasSet ? batch : Infinity,
      listed: new Set(want.filter(({ list }) => list !== undefined).map(({ target }) => target)),
      takesIpv6: await program.takesIpv6(),
    });
    // The same objects each time, so that the set finds what changed by comparing them.
    const without = (ruled: ReadonlySet<Target>): Block[] =>
      want.filter(({ target }) => wanted.has(target) && !ruled.has(target));
    // Whoever gets a rule now, or loses it, is in the set meanwhile.
    const refused = refusedBy(found, this.#ports).intersection(plan.ruled);
    const setDrift = await this.#fill(without(refused), isVerified, signal);
    this.#rules = await this.#carryOut(plan, found, signal);
    const inSet = without(plan.ruled);
    await this.#fill(inSet, false, signal);
    if (wanted.size === 0) await hook.remove(signal);
    else await hook.keep(this.#hasSet ? inSet : [], isVerified, signal);
    const targets = want.map(({ target }) => target);
    const isCarried = (target: Target) => wanted.has(target) && (this.#hasSet || plan.ruled.has(target));
    this.#enforced = {
      ...NOTHING_ENFORCED,
      inForce: new Set(targets.filter(isCarried)),
      unenforced: targets.filter((target) => !isCarried(target)),
      drift: setDrift + (believed === null ? 0 : difference(believed, found, this.#ports)),
    };
    return this.#enforced;
  }

  async apply(): Promise<Enforced> {
    return this.#enforced;
  }

  async #canUseSet(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#options.set.probe(signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SekishoError) return false;
      throw error;
    }
  }

  /** Puts these into the set. Returns the set's drift. */
  async #fill(blocks: readonly Block[], verify: boolean, signal: AbortSignal): Promise<number> {
    return this.#hasSet ? (await this.#options.set.reconcile(blocks, verify, signal)).drift : 0;
  }

  /** Returns the rules after it. Throws when ufw said that it did what it did not do. */
  async #carryOut(plan: Plan, found: FoundRules, signal: AbortSignal): Promise<FoundRules> {
    const { additions, removals } = plan;
    // What is to be blocked is in the set by now, so that nobody who is let out has to wait for it.
    const commands = this.#hasSet ? [...removals, ...additions] : [...additions, ...removals];
    if (commands.length === 0) return found;
    const { program, rest = 1 } = this.#options;
    let took = 0;
    let said = "";
    for (const command of commands) {
      if (took > 0) await sleep(took * rest);
      const start = performance.now();
      said = await program.command(command, signal);
      took = performance.now() - start;
    }
    const now = await program.rules(this.#ports, true, signal);
    const refused = refusedBy(now, this.#ports);
    const missing = [...plan.ruled].filter((target) => !refused.has(target));
    if (missing.length === 0) return now;
    throw failed(
      `ufw said '${said}' and has no rule for ${missing[0]}${missing.length > 1 ? ` and ${missing.length - 1} more` : ""}; did somebody else run ufw meanwhile?`,
    );
  }
}

/** Whom rules refuse, ours or the administrator's. */
const refusedBy = ({ own, foreign }: FoundRules, ports: string): ReadonlySet<Target> =>
  new Set([...foreign, ...own.filter((rule) => isGood(rule, ports)).map(({ target }) => target)]);

/** In how many targets our rules differ. */
function difference(believed: FoundRules, found: FoundRules, ports: string): number {
  const commentsIn = ({ own }: FoundRules) =>
    new Map(own.filter((rule) => isGood(rule, ports)).map(({ target, comment }) => [target, comment]));
  const [before, after] = [commentsIn(believed), commentsIn(found)];
  const targets = new Set([...before.keys(), ...after.keys()]);
  return [...targets].filter((target) => before.get(target) !== after.get(target)).length;
}

/** One whose ufw and nft are this machine's; a test can have them elsewhere. */
export function newUfw(
  limits: Pick<UfwOptions, "ports" | "limit" | "rest" | "batch">,
  clock: Clock,
  { programs, process, patienceMs, mounts }: Partial<UfwProgramOptions> = {},
): Ufw {
  const { ports } = limits;
  const program = new UfwProgram({
    programs: programs ?? { ufw: "ufw", iptables: "iptables", ip6tables: "ip6tables", nft: "nft" },
    process: process ?? "self",
    patienceMs: patienceMs ?? 10_000,
    mounts: mounts ?? "same",
  });
  const set = new Nftables({ ports, clock, table: UFW_TABLE, program: program.programs.nft });
  const hook = new UfwHook({ ports, file: (path) => program.file(path), nft: program.programs.nft, clock });
  return new Ufw({ ...limits, program, set, hook });
}
