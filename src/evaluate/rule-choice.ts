import type { LogEvent } from "../model/event.ts";
import type { CompiledRule } from "./compile-rule.ts";
import { type Known, residual } from "./known.ts";
import type { TextView } from "./text-views.ts";

/** A rule and its position, which names its bucket among a subject's. */
export interface Placed {
  readonly rule: CompiledRule;
  readonly position: number;
}

/** Rules that look for texts in one view, by the texts' group. */
interface Seekers {
  readonly view: TextView;
  readonly byGroup: Map<number, number[]>;
}

/**
 * Chooses among rules those that an event can concern: each view is searched once an event, and a rule none of whose texts was
 * found costs nothing, however many such rules there are.
 */
export class RuleChoice {
  readonly #rules: readonly Placed[];
  readonly #seekers: readonly Seekers[];
  /** Those for an event in which no view finds anything. */
  readonly whenNothing: readonly Placed[];
  /** Those of which the event may be what their `unless` counts after a hit. */
  readonly good: readonly Placed[];
  readonly #isAlways: Uint8Array;
  /** Those that the event at hand concerns, by their place in `#rules`. */
  readonly #isConcerned: Uint8Array;

  /** For events of which this is known. */
  constructor(rules: readonly Placed[], known: Known) {
    const needs = rules.map(({ rule }) => rule.needs(known));
    this.#rules = rules.filter((_, index) => needs[index] !== "impossible");
    const left = needs.filter((each) => each !== "impossible");
    const seekers = new Map<TextView, Map<number, number[]>>();
    this.#isAlways = Uint8Array.from(left, (need, index) => {
      if (need === "nothing") return 1;
      const { views } = this.#rules[index]!.rule;
      for (const { field, decode, texts } of need) {
        const view = views.view(field, decode);
        const group = view.groupOf(texts);
        if (group === null) return 1;
        const byGroup = seekers.get(view) ?? new Map<number, number[]>();
        seekers.set(view, byGroup);
        byGroup.set(group, [...(byGroup.get(group) ?? []), index]);
      }
      return 0;
    });
    this.#seekers = [...seekers].map(([view, byGroup]) => ({ view, byGroup }));
    this.#isConcerned = new Uint8Array(this.#rules.length);
    this.good = rules.filter(
      ({ rule: { goodAfterHit, spec } }) =>
        goodAfterHit !== null && spec.unless !== undefined && residual(spec.unless.match, known) !== null,
    );
    this.whenNothing = this.#rules.filter((_, index) => this.#isAlways[index] === 1);
  }

  /** In the order that they were given in. */
  rulesFor(event: LogEvent): readonly Placed[] {
    const concerned = this.#isConcerned;
    let more = false;
    for (const { view, byGroup } of this.#seekers) {
      if (!view.mayFind(event)) continue;
      for (const group of view.found(event)) {
        const indexes = byGroup.get(group);
        if (indexes === undefined) continue;
        if (!more) concerned.set(this.#isAlways);
        more = true;
        for (const index of indexes) concerned[index] = 1;
      }
    }
    if (!more) return this.whenNothing;
    const rules: Placed[] = [];
    for (let index = 0; index < concerned.length; index++)
      if (concerned[index] === 1) rules.push(this.#rules[index]!);
    return rules;
  }
}
