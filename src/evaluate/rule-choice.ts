import type { LogEvent } from "../model/event.ts";
import type { CompiledRule } from "./compile-rule.ts";
import type { TextView } from "./text-views.ts";

/** A rule and its position, which names its bucket among a subject's. */
export interface Placed {
  readonly rule: CompiledRule;
  readonly position: number;
}

/** What is found in an event is a bit for each view, and any set of bits may come: rules of further views are asked about every event. */
const MOST_VIEWS = 10;

/**
 * Chooses among rules those that an event can concern, by the views that found a text in it: each view is asked once an
 * event, and a rule none of whose texts is there costs nothing, however many such rules there are.
 */
export class RuleChoice {
  readonly #rules: readonly Placed[];
  readonly #views: readonly TextView[];
  /** Those for an event in which no view finds anything. */
  readonly whenNothing: readonly Placed[];
  readonly #byFound = new Map<number, readonly Placed[]>();

  constructor(rules: readonly Placed[]) {
    this.#rules = rules;
    this.#views = [...new Set(rules.flatMap(({ rule }) => rule.searched ?? []))].slice(0, MOST_VIEWS);
    this.whenNothing = this.#choose(0);
  }

  /** In the order that they were given in. */
  rulesFor(event: LogEvent): readonly Placed[] {
    const views = this.#views;
    let found = 0;
    for (let index = 0; index < views.length; index++) if (views[index]!.foundAny(event)) found |= 1 << index;
    if (found === 0) return this.whenNothing;
    let rules = this.#byFound.get(found);
    if (rules === undefined) {
      rules = this.#choose(found);
      this.#byFound.set(found, rules);
    }
    return rules;
  }

  #choose(found: number): readonly Placed[] {
    return this.#rules.filter(({ rule: { searched } }) => {
      if (searched === null) return true;
      return searched.some((view) => {
        const index = this.#views.indexOf(view);
        return index === -1 || (found & (1 << index)) !== 0;
      });
    });
  }
}
