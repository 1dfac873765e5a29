import type { Signal } from "@preact/signals";
import { SEVERITIES } from "../../src/model/finding.ts";
import type { RuleStatus } from "../../src/model/rule-status.ts";
import { formatCount } from "../format.ts";
import { chooseAll, chosen, isChoosing, WHATS } from "../rule-choice.ts";
import { bound } from "./bound.ts";

const SEVERITY_OPTIONS = SEVERITIES.toReversed().map((name) => [name, name] as const);
const MODE_OPTIONS = ["enforce", "observe", "off"].map((name) => [name, name] as const);

interface RuleFilterProps {
  readonly all: readonly RuleStatus[];
  readonly shown: number;
}

/** What narrows the rules down; it holds while a rule is looked at. */
export function RuleFilter({ all, shown }: RuleFilterProps) {
  const tags = [...new Set(all.flatMap((rule) => rule.tags))].sort().map((tag) => [tag, tag] as const);
  return (
    <search class="filter" aria-label="Which rules">
      <label class="wide">
        Search
        <input
          type="search"
          spellcheck={false}
          autocomplete="off"
          placeholder="name, title, what it detects"
          {...bound(chosen.text)}
        />
      </label>
      <Select name="Tag" all="all tags" options={tags} value={chosen.tag} />
      <Select name="Severity" all="all severities" options={SEVERITY_OPTIONS} value={chosen.severity} />
      <Select name="Mode" all="all modes" options={MODE_OPTIONS} value={chosen.mode} />
      <Select name="Show" all="all rules" options={Object.entries(WHATS)} value={chosen.what} />
      <p role="status" class="note">
        {isChoosing() ? `${formatCount(shown)} of ${formatCount(all.length)} rules` : ""}
      </p>
      {isChoosing() && (
        <button type="button" onClick={chooseAll}>
          Clear the choice
        </button>
      )}
    </search>
  );
}

interface SelectProps<Value extends string> {
  readonly name: string;
  /** The name of no choice. */
  readonly all: string;
  readonly options: readonly (readonly [string, string])[];
  readonly value: Signal<Value | "">;
}

function Select<Value extends string>({ name, all, options, value }: SelectProps<Value>) {
  return (
    <label>
      {name}
      <select
        value={value.value}
        onChange={({ currentTarget }) => {
          value.value = currentTarget.value as Value;
        }}
      >
        <option value="">{all}</option>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
