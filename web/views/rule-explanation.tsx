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
      <dl>
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
        {rule.references.length > 0 && (
          <>
            <dt>References</dt>
            <dd>
              <Text value={rule.references.join(", ")} />
            </dd>
          </>
        )}
      </dl>
    </details>
  );
}
