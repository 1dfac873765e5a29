import type { Signal } from "@preact/signals";
import type { NearMissItem } from "../../src/model/rule-status.ts";
import { api } from "../api.ts";
import { formatCount } from "../format.ts";
import { refresh } from "../refresh.ts";
import type { RuleNearMiss } from "../rule-choice.ts";
import { banAction } from "./ban-actions.tsx";
import { Capped } from "./capped.tsx";
import { type RowAction, RowActions } from "./row-actions.tsx";
import { RuleTitle } from "./rule-title.tsx";
import { Section } from "./section.tsx";
import { Table } from "./table.tsx";
import { TargetHead } from "./target-head.tsx";
import { Ago } from "./time.tsx";

interface NearMissesProps {
  readonly misses: readonly RuleNearMiss[];
  readonly whole: Signal<boolean>;
  /** Whether they are of several rules, so that each is named. */
  readonly named: boolean;
  /** What to say where there is none. */
  readonly none: string;
}

/** More are looked at in the detail of a rule. */
const MOST = 100;

/** Who came near a threshold, so that one can be chosen from what really happens. */
export function NearMisses({ misses, whole, named, none }: NearMissesProps) {
  const more = misses.length - MOST;
  return (
    <Section
      id="near-heading"
      heading="Near misses"
      focusable
      beside={<span class="note">of the last day, since the last start</span>}
    >
      {misses.length === 0 ? (
        <p class="empty">{none}</p>
      ) : (
        <Capped items={misses.slice(0, MOST)} whole={whole} name="near misses">
          {(shown) => <NearMissTable misses={shown} named={named} />}
        </Capped>
      )}
      {more > 0 && whole.value && <p class="empty">And {formatCount(more)} more, at each rule.</p>}
    </Section>
  );
}

function NearMissTable({ misses, named }: Pick<NearMissesProps, "misses" | "named">) {
  return (
    <Table
      class="near-misses"
      labelledBy="near-heading"
      heads={["Subject", ...(named ? ["Rule"] : []), "Most hits", "When"]}
      actions
    >
      {misses.map((miss) => (
        <NearMissRow key={`${miss.rule.id} ${miss.subject}`} miss={miss} named={named} />
      ))}
    </Table>
  );
}

function NearMissRow({ miss, named }: { readonly miss: RuleNearMiss; readonly named: boolean }) {
  const target = targetOf(miss.subject);
  return (
    <tr>
      <TargetHead target={miss.subject} />
      {named && (
        <td data-label="Rule">
          <a href={`#rule/${miss.rule.id}`}>
            <RuleTitle title={miss.rule.title} />
          </a>
        </td>
      )}
      <td data-label="Most hits" class="hits">
        <Nearness miss={miss} />
        {miss.count >= miss.of && <small>spared by unless</small>}
      </td>
      <td data-label="When" class="when">
        <Ago at={miss.at} />
      </td>
      <td class="actions">
        {target !== null && (
          <RowActions target={target} actions={ACTIONS} keep="Leave it" heading="#near-heading" />
        )}
      </td>
    </tr>
  );
}

/** `9 of 10`, and a bar for the eye. */
export function Nearness({ miss: { count, of } }: { readonly miss: Pick<NearMissItem, "count" | "of"> }) {
  return (
    <span class="nearness">
      <svg viewBox="0 0 40 8" aria-hidden="true">
        <rect class="empty-rung" width="40" height="8" />
        <rect width={40 * Math.min(1, count / of)} height="8" />
      </svg>
      {formatCount(count)} of {formatCount(of)}
    </span>
  );
}

/** The address or network of a subject; null for one that is only a name (`user=NAME`). */
function targetOf(subject: string): string | null {
  const [first = ""] = subject.split(" ");
  return first.includes("=") ? null : first;
}

const ACTIONS: readonly RowAction[] = [
  banAction(),
  {
    button: "Allow",
    question: "Never ban",
    asksReason: true,
    async act(target, reason) {
      const allowed = await api.allow(target, reason);
      for (const read of [refresh.bans, refresh.allowlist, refresh.status]) read(true);
      return `Put on the allowlist: ${allowed.target}`;
    },
  },
];
