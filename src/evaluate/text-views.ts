import type { LogEvent } from "../model/event.ts";
import type { FieldName } from "./fields.ts";
import { LiteralTable } from "./literal-table.ts";
import { decodedReader, fieldReader, type Read, type Site, type Value } from "./read-field.ts";

/**
 * What the rules of one set look at. A field that several rules ask for is decoded once an event, and searched once for the
 * literals of all of them, when the first asks.
 */
export class TextViews {
  readonly #site: Site;
  readonly #views = new Map<string, TextView>();

  constructor(site: Site) {
    this.#site = site;
  }

  /** A field as the line has it, or decoded. */
  view(field: FieldName, decode: boolean): TextView {
    const key = `${field} ${decode}`;
    let view = this.#views.get(key);
    if (view === undefined) {
      const read = decode ? decodedReader(field, this.#site) : fieldReader(field, this.#site);
      view = new TextView(decode || field === "target" ? onceAnEvent(read) : read);
      this.#views.set(key, view);
    }
    return view;
  }

  /** To be called when all rules are compiled, before the first event. Throws RULE_INVALID for too many literals. */
  build(): void {
    for (const view of this.#views.values()) view.build();
  }
}

/** A field as conditions see it. */
export class TextView {
  readonly read: Read;
  readonly #exact: LiteralSearch;
  readonly #folded: LiteralSearch;

  constructor(read: Read) {
    this.read = read;
    this.#exact = new LiteralSearch(read, false);
    this.#folded = new LiteralSearch(read, true);
  }

  /** A predicate of events whose text has one of the literals. */
  holdsAny(literals: readonly string[], ignoreCase: boolean): (event: LogEvent) => boolean {
    return (ignoreCase ? this.#folded : this.#exact).holdsAny(literals);
  }

  build(): void {
    this.#exact.build();
    this.#folded.build();
  }
}

/** Groups of literals that are looked for together. Its answers are of the event that was asked for last. */
class LiteralSearch {
  readonly #read: Read;
  readonly #ignoreCase: boolean;
  readonly #groups: (readonly string[])[] = [];
  #table: LiteralTable | null = null;
  #event: LogEvent | null = null;
  #found = new Uint8Array(0);
  #foundAny = false;

  constructor(read: Read, ignoreCase: boolean) {
    this.#read = read;
    this.#ignoreCase = ignoreCase;
  }

  holdsAny(literals: readonly string[]): (event: LogEvent) => boolean {
    const group = this.#groups.push(literals) - 1;
    return (event) => {
      if (event !== this.#event) this.#search(event);
      return this.#foundAny && this.#found[group] === 1;
    };
  }

  build(): void {
    if (this.#groups.length === 0) return;
    this.#table = new LiteralTable(this.#groups, this.#ignoreCase);
    this.#found = new Uint8Array(this.#groups.length);
  }

  #search(event: LogEvent): void {
    this.#event = event;
    if (this.#foundAny) this.#found.fill(0);
    const value = this.#read(event);
    this.#foundAny = typeof value === "string" && this.#table!.search(value, this.#found);
  }
}

/** Remembers the value of the last event: rules are asked one after the other about the same. */
function onceAnEvent(read: Read): Read {
  let last: LogEvent | null = null;
  let value: Value;
  return (event) => {
    if (event !== last) {
      value = read(event);
      last = event;
    }
    return value;
  };
}
