import type { RuleStatus } from "../../src/model/rule-status.ts";
import { formatCount } from "../format.ts";
import { chosenOf, isAdded, isChoosing, nearMissesOf } from "../rule-choice.ts";
import { cameFrom, nearMissesWhole, rules, rulesWhole, status, troubles } from "../state.ts";
import { chooseTitleLanguage, titleLanguage } from "../title-language.ts";
import { Capped } from "./capped.tsx";
import { Choice } from "./choice.tsx";
import { Figure } from "./key-figures.tsx";
import { NearMisses, Nearness } from "./near-misses.tsx";
import { PageHeading } from "./page-heading.tsx";
import { RuleFilter } from "./rule-filter.tsx";
import { RuleModeMark } from "./rule-mode.tsx";
import { RuleTitle } from "./rule-title.tsx";
import { Section } from "./section.tsx";
import { SeverityMark } from "./severity.tsx";
import { Table } from "./table.tsx";
import { Text } from "./text.tsx";

export function Rules() {
  const from = cameFrom.value;
  const all = rules.value === null ? null : [...rules.value.values()];
  return (
    <div class="page">
      <PageHeading backTo={from.kind === "rule" ? rowId(from.id) : null}>Rules</PageHeading>
      {all === null && <p class="empty">{waitingForRules()}</p>}
      {all !== null && <AllRules all={all} />}
    </div>
  );
}

/** Why is among the problems, above. */
export const waitingForRules = (): string =>
  troubles.value.rules === undefined
    ? "Reading the rules."
    : "The rules could not be read. It is tried again.";

const TITLE_LANGUAGES = [
  ["en", "English"],
  ["ja", <span lang="ja">日本語</span>],
] as const;

function AllRules({ all }: { readonly all: readonly RuleStatus[] }) {
  const shown = chosenOf(all);
  return (
    <>
      <Figures all={all} />
      <Section
        id="rules-heading"
        heading={isChoosing() ? "Chosen rules" : "All rules"}
        focusable
        beside={
          <>
            <span class="note">findings and bans of the last day</span>
            <Choice
              label="Language of the rules' names"
              options={TITLE_LANGUAGES}
              value={titleLanguage.value}
              onChoose={chooseTitleLanguage}
            />
          </>
        }
      >
        <RuleFilter all={all} shown={shown.length} />
        {shown.length === 0 ? (
          <p class="empty">
            {all.length === 0 ? "No rule is there, so nobody is found." : "No rule is like that."}
          </p>
        ) : (
          <Capped items={shown} whole={rulesWhole} name="rules">
            {(first) => <RuleTable rules={first} />}
          </Capped>
        )}
      </Section>
      <NearMisses
        misses={nearMissesOf(shown)}
        whole={nearMissesWhole}
        named
        none="Nobody came near the threshold of one of these rules. A near miss is a subject with at least half of the hits that a finding needs, and no finding."
      />
    </>
  );
}

function Figures({ all }: { readonly all: readonly RuleStatus[] }) {
  const sum = (amount: (rule: RuleStatus) => number): number => all.reduce((n, rule) => n + amount(rule), 0);
  const observing = sum(({ mode }) => Number(mode === "observe"));
  const off = sum(({ mode }) => Number(mode === "off"));
  const bans = sum(({ lastDay }) => lastDay.bans);
  const finding = sum(({ lastDay }) => Number(lastDay.findings > 0));
  const changed = sum((rule) => Number(rule.change.changes.length > 0));
  const added = sum((rule) => Number(isAdded(rule)));
  return (
    <dl class="figures" aria-label="Rules within a day">
      <Figure
        name="Rules that run"
        value={all.length - off}
        note={`${formatCount(observing)} observe only, ${formatCount(off)} off`}
      />
      <Figure
        name="Findings"
        value={sum(({ lastDay }) => lastDay.findings)}
        note={finding === 0 ? "no rule fired within a day" : `of ${formatCount(finding)} rules within a day`}
      />
      <Figure
        name="Bans"
        value={bans}
        note={status.value?.mode === "observe" ? "recorded, not enforced" : "by rules within a day"}
        strong={bans > 0}
      />
      <Figure
        name="Near misses"
        value={sum(({ nearMisses }) => nearMisses.length)}
        note="who came near"
        leadsTo="near-heading"
      />
      <Figure
        name="Changed here"
        value={changed + added}
        note={changed + added === 0 ? "all run as shipped" : `${formatCount(added)} added in rules.d`}
      />
    </dl>
  );
}

function RuleTable({ rules: shown }: { readonly rules: readonly RuleStatus[] }) {
  return (
    <Table
      class="rule-table"
      labelledBy="rules-heading"
      heads={[
        "Rule",
        "Detects",
        "Severity",
        "Mode",
        "Fires at",
        { number: "Findings" },
        { number: "Bans" },
        "Nearest miss",
      ]}
    >
      {shown.map((rule) => (
        <RuleRow key={rule.id} rule={rule} />
      ))}
    </Table>
  );
}

const rowId = (rule: string): string => `rule-${rule}`;

function RuleRow({ rule }: { readonly rule: RuleStatus }) {
  const { id, title, detects, severity, mode, firesAt, lastDay, nearMisses, needed } = rule;
  const [nearest] = nearMisses;
  return (
    <tr class={mode === "off" ? "past" : ""}>
      <th scope="row">
        <a id={rowId(id)} href={`#rule/${id}`}>
          <RuleTitle title={title} />
        </a>
        <small>
          <code>
            <Text value={id} />
          </code>
        </small>
      </th>
      <td class="why">
        <Text value={detects} />
      </td>
      <td data-label="Severity">
        <SeverityMark severity={severity} />
      </td>
      <td data-label="Mode">
        <RuleModeMark mode={mode} />
        <SiteNote rule={rule} />
      </td>
      <td data-label="Fires at" class="fires">
        <Text value={firesAt} />
      </td>
      <td data-label="Findings" class="number">
        {formatCount(lastDay.findings)}
      </td>
      <td data-label="Bans" class="number">
        {formatCount(lastDay.bans)}
      </td>
      <td data-label="Nearest miss">
        {nearest !== undefined && <Nearness miss={nearest} />}
        {nearest === undefined && (needed === null ? <small>not counted</small> : <small>none</small>)}
      </td>
    </tr>
  );
}

/** What the site does with the rule, where it does something. */
function SiteNote({ rule }: { readonly rule: RuleStatus }) {
  if (isAdded(rule)) return <small>of your own</small>;
  if (rule.change.changes.length === 0) return null;
  return <small>changed here</small>;
}
