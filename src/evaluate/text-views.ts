import type { LogEvent } from "../model/event.ts";
import type { FieldName } from "./fields.ts";
import { checkSize, LiteralTable } from "./literal-table.ts";
import { decodedReader, fieldReader, type Read, type Site } from "./read-field.ts";

/**
 * What the rules of one set look at. A field that several rules ask for is decoded once an event, and searched once for the
 * literals of all of them, when the first asks.
 */
export class TextViews {
  readonly #site: Site;
  readonly #views = new Map<string, TextView>();
  readonly #shared = new Map<string, (event: LogEvent) => boolean>();

  constructor(site: Site) {
    this.#site = site;
  }

  /** A field as the line has it, or decoded. */
  view(field: FieldName, decode: boolean): TextView {
    const key = `${field} ${decode}`;
    let view = this.#views.get(key);
    if (view === undefined) {
      const read = decode ? decodedReader(field, this.#site) : fieldReader(field, this.#site);
      view = new TextView(field, decode || field === "target" ? onceAnEvent(read) : read);
      this.#views.set(key, view);
    }
    return view;
  }

  /** A predicate that several rules may have, made once and asked once an event. */
  shared(spec: object, make: () => (event: LogEvent) => boolean): (event: LogEvent) => boolean {
    const key = JSON.stringify(spec);
    let matcher = this.#shared.get(key);
    if (matcher === undefined) {
      matcher = onceAnEvent(make());
      this.#shared.set(key, matcher);
    }
    return matcher;
  }

  /** Views of these fields in which anything is looked for. */
  searched(fields: readonly FieldName[]): readonly TextView[] {
    return [...this.#views.values()].filter(
      ({ field, literals }) => literals.length > 0 && fields.includes(field),
    );
  }

  /** To be called when all rules are compiled, before the first event. Throws RULE_INVALID for too many literals. */
  build(): void {
    for (const view of this.#views.values()) view.build();
  }
}

/** What is known of the event at hand before any view searches it. */
export interface Glance {
  event: LogEvent | null;
  /** A bit for each view that may find anything. */
  mayFind: number;
}

/** A field as conditions see it. */
export class TextView {
  readonly field: FieldName;
  readonly read: Read;
  readonly #folded: LiteralSearch;
  /** Asked only when a literal was found without regard to case, so that nearly every text is searched once. */
  readonly #exact: LiteralSearch;

  constructor(field: FieldName, read: Read) {
    this.field = field;
    this.read = read;
    this.#folded = new LiteralSearch(read, true);
    this.#exact = new LiteralSearch(read, false);
  }

  /** A predicate of events whose text has one of the literals. */
  holdsAny(literals: readonly string[], ignoreCase: boolean): (event: LogEvent) => boolean {
    const folded = this.#folded.add(literals);
    if (ignoreCase) return (event) => this.#folded.holds(event, folded);
    const exact = this.#exact.add(literals);
    return (event) => this.#folded.holds(event, folded) && this.#exact.holds(event, exact);
  }

  /** All that is looked for in it. */
  get literals(): readonly string[] {
    return this.#folded.literals;
  }

  /** From now on what was seen at a glance is not searched for: `bit` is that of this view. */
  glanceAt(glance: Glance, bit: number): void {
    this.#folded.glanceAt(glance, bit);
  }

  /** False: it is known that none is in this event. */
  mayFind(event: LogEvent): boolean {
    return this.#folded.mayFind(event);
  }

  /** The groups, as `groupOf` numbers them, of which the event's text has a literal, case aside. Good until the next event. */
  found(event: LogEvent): readonly number[] {
    return this.#folded.foundIn(event);
  }

  /** Of literals that some rule looks for the number of their group; null when none looks for just these. */
  groupOf(literals: readonly string[]): number | null {
    return this.#folded.groupOf(literals);
  }

  build(): void {
    this.#folded.build();
    this.#exact.build();
  }
}

/** Groups of literals that are looked for together. It remembers what it found for the event that was asked for last. */
class LiteralSearch {
  readonly #read: Read;
  readonly #ignoreCase: boolean;
  readonly #groups: (readonly string[])[] = [];
  /** By the literals. */
  readonly #numbers = new Map<string, number>();
  #table: LiteralTable | null = null;
  #event: LogEvent | null = null;
  #glance: Glance | null = null;
  #bit = 0;
  /** By group. */
  #isFound = new Uint8Array(0);
  readonly #found: number[] = [];

  constructor(read: Read, ignoreCase: boolean) {
    this.#read = read;
    this.#ignoreCase = ignoreCase;
  }

  get literals(): readonly string[] {
    return this.#groups.flat();
  }

  glanceAt(glance: Glance, bit: number): void {
    this.#glance = glance;
    this.#bit = bit;
  }

  mayFind(event: LogEvent): boolean {
    const glance = this.#glance;
    return glance === null || glance.event !== event || (glance.mayFind & this.#bit) !== 0;
  }

  /** Returns the group's number. */
  add(literals: readonly string[]): number {
    const known = this.groupOf(literals);
    if (known !== null) return known;
    this.#numbers.set(keyOf(literals), this.#groups.length);
    return this.#groups.push(literals) - 1;
  }

  groupOf(literals: readonly string[]): number | null {
    return this.#numbers.get(keyOf(literals)) ?? null;
  }

  build(): void {
    checkSize(this.#groups);
    this.#isFound = new Uint8Array(this.#groups.length);
  }

  /** Whether the event's text has a literal of the group. */
  holds(event: LogEvent, group: number): boolean {
    if (event !== this.#event) this.#search(event);
    return this.#isFound[group] === 1;
  }

  foundIn(event: LogEvent): readonly number[] {
    if (event !== this.#event) this.#search(event);
    return this.#found;
  }

  #search(event: LogEvent): void {
    this.#event = event;
    for (const group of this.#found) this.#isFound[group] = 0;
    this.#found.length = 0;
    if (!this.mayFind(event)) return;
    const value = this.#read(event);
    if (typeof value !== "string") return;
    // Not before it is needed: most commands that read rules never look at an event.
    this.#table ??= new LiteralTable(this.#groups, this.#ignoreCase);
    this.#table.search(value, this.#isFound, this.#found);
  }
}

const keyOf = (literals: readonly string[]): string => JSON.stringify(literals);

/** Remembers the value of the last event: rules are asked one after the other about the same. */
function onceAnEvent<Result>(read: (event: LogEvent) => Result): (event: LogEvent) => Result {
  let last: LogEvent | null = null;
  let value: Result;
  return (event) => {
    if (event !== last) {
      value = read(event);
      last = event;
    }
    return value;
  };
}
