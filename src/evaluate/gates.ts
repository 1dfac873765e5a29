import type { Bucket } from "./buckets/bucket.ts";
import type { CompiledRule } from "./compile-rule.ts";
import type { Placed } from "./rule-choice.ts";

/** What a rule waits for. */
interface Gate {
  /** Of the rule that must count the event too. */
  readonly position: number;
  readonly hits: number;
}

/**
 * Rules that count only while another does (`while`). Asked for is the very event, so what is counted by then is never stale.
 * A rule whose other does not run counts always.
 */
export class Gates {
  readonly #gates: readonly (Gate | null)[];
  readonly #isAsked: readonly boolean[];
  /** By position: the event that was counted last, and how many there were then. */
  readonly #events: Int32Array;
  readonly #counts: Float64Array;

  constructor(rules: readonly CompiledRule[]) {
    this.#gates = rules.map(({ spec }) => gateOf(spec, rules));
    this.#isAsked = rules.map((_, position) => this.#gates.some((gate) => gate?.position === position));
    this.#events = new Int32Array(rules.length);
    this.#counts = new Float64Array(rules.length);
    this.close();
  }

  /** Those that others wait for come first. */
  first(rules: readonly Placed[]): readonly Placed[] {
    const asked = rules.filter(({ position }) => this.#isAsked[position]);
    return [...asked, ...rules.filter(({ position }) => !this.#isAsked[position])];
  }

  /** Before events that are numbered anew. */
  close(): void {
    this.#events.fill(-1);
  }

  /** A rule has counted the event of this number. */
  note(position: number, event: number, bucket: Bucket): void {
    if (!this.#isAsked[position]) return;
    this.#events[position] = event;
    // What led to a finding is counted no more, and was enough.
    const isNew = bucket.firedAt !== null && bucket.count === 0;
    this.#counts[position] = isNew ? Number.POSITIVE_INFINITY : bucket.count;
  }

  isOpen(position: number, event: number): boolean {
    const gate = this.#gates[position];
    if (gate === null || gate === undefined) return true;
    return this.#events[gate.position] === event && this.#counts[gate.position]! >= gate.hits;
  }
}

function gateOf(spec: CompiledRule["spec"], rules: readonly CompiledRule[]): Gate | null {
  const other = spec.while;
  const position = other === undefined ? -1 : rules.findIndex(({ id }) => id === other.rule);
  return other === undefined || position === -1 ? null : { position, hits: other.hits };
}
