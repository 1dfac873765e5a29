import type { AccessEvent, LogEvent } from "../model/event.ts";
import { FIELDS, type FieldName } from "./fields.ts";
import { leastAsked, NOTHING_KNOWN, NUMBERS, TEXTS } from "./known.ts";
import { LineScan } from "./line-scan.ts";
import { isHandshake } from "./read-field.ts";
import { type Placed, RuleChoice } from "./rule-choice.ts";
import type { Glance } from "./text-views.ts";

/** Of nearly all requests. */
const METHODS: readonly string[] = ["GET", "POST", "HEAD"];
/** More kinds of events than a site has: choosing takes a millisecond, and who makes up others must not make us choose for ever. */
const MOST_KINDS = 1_000;
/** Any view may find a text. */
const ANY = -1;

/**
 * The rules on access events. Which of them an event can concern is told by what is seen of it at a glance: its status and
 * method, the fields that it lacks, and whether its line has any text that a rule looks for.
 */
export class AccessRules {
  readonly #rules: readonly Placed[];
  /** Those for the second line of a socket, whose opening was judged. */
  readonly #secondRules: readonly Placed[];
  /** Null where a line does not tell. */
  readonly #scan: LineScan | null;
  readonly #glance: Glance = { event: null, mayFind: ANY };
  /** Of the events at hand a bit for each view that may find a text. */
  #mayFind: Int32Array | null = null;
  /** The least that any rule asks of each of `NUMBERS`. */
  readonly #least: readonly number[];
  readonly #byKind = new Map<number, RuleChoice>();
  /** Of the event that was asked for last. */
  good: readonly Placed[] = [];
  /** For events of further kinds. */
  readonly #forOthers: RuleChoice;
  readonly #forOtherSeconds: RuleChoice;

  /** In the order in which they are to be asked. */
  constructor(rules: readonly Placed[]) {
    this.#rules = rules;
    this.#secondRules = rules.filter(({ rule }) => !rule.atOpening);
    this.#forOthers = new RuleChoice(this.#rules, NOTHING_KNOWN);
    this.#forOtherSeconds = new RuleChoice(this.#secondRules, NOTHING_KNOWN);
    const views = new Set(rules.map(({ rule }) => rule.views));
    const searched = [...views].flatMap((each) => each.searched(FIELDS.access));
    this.#scan = LineScan.of(searched.map(({ literals }) => literals));
    if (this.#scan !== null)
      for (const [bit, view] of searched.entries()) view.glanceAt(this.#glance, 1 << bit);
    const looked = rules.flatMap(({ rule }) => rule.looked);
    this.#least = NUMBERS.map((field) => leastAsked(field, looked));
  }

  /** Looks at all lines of a batch, for `rulesFor`. */
  look(events: readonly LogEvent[]): void {
    this.#mayFind = this.#scan?.look(events) ?? null;
  }

  /** `index`: of the event in the batch that was looked at last; -1 when it is in none. */
  rulesFor(event: AccessEvent, index: number): readonly Placed[] {
    const choice = this.#choiceFor(event);
    const mayFind = index === -1 || this.#mayFind === null ? ANY : this.#mayFind[index]!;
    this.#glance.event = event;
    this.#glance.mayFind = mayFind;
    this.good = choice.good;
    return mayFind === 0 ? choice.whenNothing : choice.rulesFor(event);
  }

  #choiceFor(event: AccessEvent): RuleChoice {
    const method = METHODS.indexOf(event.method ?? "") + 1;
    const handshake = isHandshake(event);
    const lacks = this.#lackedBy(event);
    const rooted = event.path.charCodeAt(0) === SLASH;
    const referred = !isMissing(event.referer);
    const flags = (handshake ? 1 : 0) + (event.second ? 2 : 0) + (rooted ? 4 : 0) + (referred ? 8 : 0);
    const kind =
      ((event.status * (1 << LACKABLE.length) + lacks) * (METHODS.length + 1) + method) * 16 + flags;
    let choice = this.#byKind.get(kind);
    if (choice === undefined) {
      if (this.#byKind.size >= MOST_KINDS) return event.second ? this.#forOtherSeconds : this.#forOthers;
      choice = new RuleChoice(event.second ? this.#secondRules : this.#rules, {
        status: event.status,
        handshake,
        method: METHODS[method - 1] ?? null,
        rooted,
        referred,
        lacks: new Set(LACKABLE.filter((_, bit) => (lacks & (1 << bit)) !== 0)),
      });
      this.#byKind.set(kind, choice);
    }
    return choice;
  }

  /** A bit for each of `LACKABLE`. */
  #lackedBy({ query, user, tls, host, durationUs, bytes, bytesOut }: AccessEvent): number {
    const [leastDuration, leastBytes, leastOut] = this.#least;
    return (
      (isMissing(query) ? 1 : 0) |
      (isMissing(user) ? 2 : 0) |
      (isMissing(tls) ? 4 : 0) |
      (isMissing(host) ? 8 : 0) |
      ((durationUs ?? -1) < leastDuration! ? 16 : 0) |
      ((bytes ?? -1) < leastBytes! ? 32 : 0) |
      ((bytesOut ?? -1) < leastOut! ? 64 : 0)
    );
  }
}

const SLASH = 47;
const LACKABLE: readonly FieldName[] = [...TEXTS, ...NUMBERS];

const isMissing = (value: string | null | undefined): boolean => value === null || value === undefined;
