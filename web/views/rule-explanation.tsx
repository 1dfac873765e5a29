import type { RuleItem } from "../../src/model/rule-status.ts";
import { rules } from "../state.ts";
import { Text } from "./text.tsx";

interface RuleExplanationProps {
  readonly id: string;
  readonly open: boolean;
}

/** What a rule says for itself, for whoever is asked whether a ban is right. */
export function RuleExplanation({ id, open }: RuleExplanationProps) {
  const rule = rules.value?.get(id);
  // Not read yet, or a finding of a rule that is gone.
  if (rule === undefined) return null;
  return (
    <details class="explanation" open={open}>
      <summary>
        What <Text value={id} /> detects, and when it is wrong
      </summary>
      <RuleFacts rule={rule} />
      <p>
        <a href={`#rule/${id}`}>All about this rule, and how to change it</a>
      </p>
    </details>
  );
}

export function RuleFacts({ rule }: { readonly rule: RuleItem }) {
  return (
    <dl class="explained">
      <dt>Detects</dt>
      <dd>
        <Text value={rule.detects} />
      </dd>
      <dt>Why</dt>
      <dd>
        <Text value={rule.why} />
      </dd>
      <dt>Known false positives</dt>
      <dd>
        {rule.falsePositives.length === 0 ? (
          "none known"
        ) : (
          <ul>
            {rule.falsePositives.map((text) => (
              <li key={text}>
                <Text value={text} />
              </li>
            ))}
          </ul>
        )}
      </dd>
      <Words name="References" words={rule.references} />
      <Words name="Tags" words={rule.tags} />
    </dl>
  );
}

function Words({ name, words }: { readonly name: string; readonly words: readonly string[] }) {
  if (words.length === 0) return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <Text value={words.join(", ")} />
      </dd>
    </>
  );
}
