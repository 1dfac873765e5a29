import { changedBlocks } from "../../model/block-changes.ts";
import type { Block } from "../../model/decision.ts";
import type { Target } from "../../model/ip.ts";
import type { Clock, UnixMs } from "../../model/time.ts";
import { Ahead } from "../ahead.ts";
import { type Ends, endsOf } from "../ends.ts";
import { type Enforced, type Enforcer, NOTHING_ENFORCED } from "../enforcer.ts";
import { type Listing, readListing } from "./listing.ts";
import { Nft } from "./program.ts";
import {
  addSets,
  canCarry,
  changeElements,
  createTable,
  type Ports,
  removeTable,
  replaceRules,
  setOf,
  TABLE,
} from "./script.ts";

/** So much later than wanted an element may end in the kernel: nft may have to wait for a busy machine before it adds it. */
const LATE_MS = 30_000;
/** So much earlier, for clocks that run at different speeds. */
const EARLY_MS = 1_000;

export interface NftablesOptions {
  /** Only packets to these are refused. */
  readonly ports: Ports;
  readonly clock: Clock;
  /** Default: nft, looked for as a shell does and in sbin. */
  readonly program?: string;
  readonly timeoutMs?: number;
  /** Default: the one that is ours. */
  readonly table?: string;
}

/** What is in the kernel, as we wrote it or read it last. */
interface Held {
  readonly elements: Map<Target, UnixMs>;
  readonly sets: Set<string>;
  /** As nft printed them when we had written them; null when they may be of an older Sekisho or other ports. */
  readonly rules: string | null;
}

interface Difference {
  readonly add: Ends;
  readonly remove: ReadonlySet<Target>;
}

/** The table as nft printed it, and when it was asked. */
interface Printed {
  readonly printed: unknown;
  readonly now: UnixMs;
}

type Found = Listing & { readonly uncertainMs: number };

/**
 * Blocks packets in a table of our own, which exists while there is anything to block.
 *
 *     unknown ── reconcile: read the table ──▶ held ── want: one transaction with the difference ──▶ held
 *        ▲                                      │
 *        └────────── nft failed ────────────────┘        `verify` reads the table again
 *
 * Each element has its own time-out, so blocks that end do so without us. The table stays when we stop.
 */
export class Nftables implements Enforcer {
  readonly name = "nftables";
  readonly level = "packet";
  readonly schedule = null;
  readonly #nft: Nft;
  readonly #table: string;
  readonly #ports: Ports;
  readonly #clock: Clock;
  #held: Held | null = null;
  /** What `#held` was made equal to last; null before the first look, and after a failure. */
  #asked: readonly Block[] | null = null;
  readonly #ahead = new Ahead<Printed>();
  readonly #inForce = new Set<Target>();
  #enforced = NOTHING_ENFORCED;

  constructor({ ports, clock, program = "nft", timeoutMs, table = TABLE }: NftablesOptions) {
    this.#table = table;
    this.#nft = new Nft({ program, table, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    this.#ports = ports;
    this.#clock = clock;
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#nft.probe(signal);
  }

  lookAhead(signal: AbortSignal): void {
    this.#ahead.begin(this.#listed(signal));
  }

  async blocked(signal: AbortSignal): Promise<ReadonlySet<Target>> {
    // Where there is no nft, nothing of ours can be left.
    if (!(await this.#nft.isThere())) return new Set();
    const listing = await this.#list(signal);
    return new Set(listing?.elements.keys());
  }

  async reconcile(want: readonly Block[], verify: boolean, signal: AbortSignal): Promise<Enforced> {
    const asked = this.#asked;
    this.#asked = null;
    // A copy: whoever asks may go on with the same list.
    const wanted = want.slice();
    const drift =
      verify || asked === null || this.#held === null
        ? await this.#look(wanted, signal)
        : await this.#follow(this.#held, asked, wanted, signal);
    this.#asked = wanted;
    this.#enforced = { ...this.#enforced, drift };
    return this.#enforced;
  }

  async apply(): Promise<Enforced> {
    return this.#enforced;
  }

  /** Reads the table, and makes it as wanted. Returns in how much it differed from what was believed. */
  async #look(want: readonly Block[], signal: AbortSignal): Promise<number> {
    const wanted = want.filter(({ target }) => canCarry(target));
    const targets = new Set(wanted.map(({ target }) => target));
    const believed = this.#held;
    const found = await this.#list(signal, targets);
    const drift = believed === null ? 0 : driftFrom(believed, found, this.#clock.now());
    const held = heldIn(found, wanted, believed);
    this.#held =
      found?.isSound === false
        ? await this.#create(wanted, signal)
        : await this.#change(held, difference(held.elements, wanted), wanted, signal);
    this.#inForce.clear();
    for (const target of targets) this.#inForce.add(target);
    this.#enforced = { ...NOTHING_ENFORCED, inForce: this.#inForce, unenforced: uncarried(want) };
    return drift;
  }

  /** Makes of the table that was as `asked` one that is as wanted, without looking at what is in both. */
  async #follow(
    held: Held,
    asked: readonly Block[],
    want: readonly Block[],
    signal: AbortSignal,
  ): Promise<number> {
    const { gone, come } = changedBlocks(asked, want);
    if (gone.size + come.size === 0) return 0;
    const add = new Map<Target, UnixMs>();
    const remove = new Set([...gone.keys()].filter((target) => held.elements.has(target)));
    for (const { target, until } of come.values()) {
      const known = held.elements.get(target);
      if (known === until || !canCarry(target)) continue;
      add.set(target, until);
      if (known !== undefined) remove.add(target);
    }
    this.#held = await this.#change(held, { add, remove }, want, signal);
    for (const target of gone.keys()) this.#inForce.delete(target);
    for (const target of come.keys()) if (canCarry(target)) this.#inForce.add(target);
    if ([...gone.keys(), ...come.keys()].some((target) => !canCarry(target)))
      this.#enforced = { ...this.#enforced, unenforced: uncarried(want) };
    return 0;
  }

  /** One transaction with what differs. */
  async #change(
    held: Held,
    { add, remove }: Difference,
    want: readonly Block[],
    signal: AbortSignal,
  ): Promise<Held> {
    const { elements, sets } = held;
    if (add.size === 0 && elements.size === remove.size) return this.#remove(held, signal);
    if (sets.size === 0)
      return this.#create(
        want.filter(({ target }) => canCarry(target)),
        signal,
      );
    const newSets = [...setsOf(add.keys()).difference(sets)];
    const allSets = sets.union(new Set(newSets));
    const isNewRules = held.rules === null || newSets.length > 0;
    if (!isNewRules && remove.size === 0 && add.size === 0) return held;
    const commands = [
      ...addSets(newSets, this.#table),
      ...(isNewRules ? replaceRules(allSets, this.#ports, this.#table) : []),
      ...changeElements({ add, remove }, this.#clock.now(), this.#table),
    ];
    await this.#nft.change(commands, signal);
    for (const target of remove) elements.delete(target);
    for (const [target, until] of add) elements.set(target, until);
    const rules = isNewRules ? await this.#rulesNow(signal) : held.rules;
    return { elements, sets: allSets, rules };
  }

  /** The table anew, in one transaction: packets meet the old one or the new one. */
  async #create(wanted: readonly Block[], signal: AbortSignal): Promise<Held> {
    const elements = endsOf(wanted);
    const sets = setsOf(elements.keys());
    const change = changeElements({ add: elements, remove: [] }, this.#clock.now(), this.#table);
    await this.#nft.change(
      sets.size === 0
        ? removeTable(this.#table)
        : [...createTable(sets, this.#ports, this.#table), ...change],
      signal,
    );
    return { elements, sets, rules: await this.#rulesNow(signal) };
  }

  async #remove({ sets }: Held, signal: AbortSignal): Promise<Held> {
    if (sets.size > 0) await this.#nft.change(removeTable(this.#table), signal);
    return { elements: new Map(), sets: new Set(), rules: null };
  }

  async #listed(signal: AbortSignal): Promise<Printed> {
    const now = this.#clock.now();
    return { printed: await this.#nft.listTable(signal), now };
  }

  async #list(signal: AbortSignal, known?: ReadonlySet<Target>): Promise<Found | null> {
    const { printed, now } = await (this.#ahead.take() ?? this.#listed(signal));
    if (printed === null) return null;
    // The kernel told whole seconds, at some moment since then.
    return { ...readListing(this.#table, printed, now, known), uncertainMs: this.#clock.now() - now + 1_000 };
  }

  async #rulesNow(signal: AbortSignal): Promise<string | null> {
    const printed = await this.#nft.listRules(signal);
    return printed === null ? null : readListing(this.#table, printed, this.#clock.now()).rules;
  }
}

/** By one pass over what is wanted where nothing is to be removed, since one more ban is the usual change. */
function difference(elements: Ends, wanted: readonly Block[]): Difference {
  const add = new Map<Target, UnixMs>();
  let kept = 0;
  for (const { target, until } of wanted) {
    if (elements.get(target) === until) kept++;
    else add.set(target, until);
  }
  const remove = new Set<Target>();
  if (kept === elements.size) return { add, remove };
  const asked = endsOf(wanted);
  for (const [target, until] of elements) if (asked.get(target) !== until) remove.add(target);
  return { add, remove };
}

const uncarried = (want: readonly Block[]): Target[] =>
  want.filter(({ target }) => !canCarry(target)).map(({ target }) => target);

const setsOf = (targets: Iterable<Target>): Set<string> => {
  const sets = new Set<string>();
  for (const target of targets) sets.add(setOf(target));
  return sets;
};

/** Whether what the kernel told of an element's end is what was asked for. */
const isSameTime = (asked: UnixMs, told: UnixMs, { uncertainMs }: Found): boolean =>
  asked === told || (told <= asked + LATE_MS && asked <= told + uncertainMs + EARLY_MS);

/** What was found, as what is held. A time-out that is as wanted but for a second is not written again. */
function heldIn(found: Found | null, wanted: readonly Block[], believed: Held | null): Held {
  const elements = new Map<Target, UnixMs>();
  const until = endsOf(wanted);
  for (const [target, told] of found?.elements ?? []) {
    const asked = until.get(target);
    elements.set(target, asked !== undefined && isSameTime(asked, told, found!) ? asked : told);
  }
  const rules = found !== null && found.rules === believed?.rules ? found.rules : null;
  return { elements, sets: new Set(found?.sets), rules };
}

function driftFrom(believed: Held, found: Found | null, now: UnixMs): number {
  let drift = 0;
  for (const [target, until] of believed.elements) {
    const told = found?.elements.get(target);
    if (told === undefined ? until > now + EARLY_MS : !isSameTime(until, told, found!)) drift++;
  }
  if (found === null) return drift;
  for (const target of found.elements.keys()) if (!believed.elements.has(target)) drift++;
  return found.isSound && (believed.rules === null || found.rules === believed.rules) ? drift : drift + 1;
}
