import { useSignal } from "@preact/signals";
import type { RuleFinding } from "../../src/model/rule-status.ts";
import { formatCount } from "../format.ts";
import { ruleFindings } from "../state.ts";
import { Capped } from "./capped.tsx";
import { Section } from "./section.tsx";
import { Table } from "./table.tsx";
import { TargetHead } from "./target-head.tsx";
import { Text } from "./text.tsx";
import { Ago } from "./time.tsx";

/** Whom a rule found within a day. `total`: all of them; the newest are named. */
export function RuleFindings({ total }: { readonly total: number }) {
  const whole = useSignal(false);
  const items = ruleFindings.value;
  const more = total - (items?.length ?? total);
  return (
    <Section id="found-heading" heading="Findings" beside={<span class="note">of the last day</span>}>
      {items === null && <p class="empty">Reading the findings.</p>}
      {items?.length === 0 && <p class="empty">It found nobody within a day.</p>}
      {items !== null && items.length > 0 && (
        <Capped items={items} whole={whole} name="findings">
          {(shown) => <FindingTable findings={shown} />}
        </Capped>
      )}
      {more > 0 && whole.value && <p class="empty">And {formatCount(more)} older ones.</p>}
    </Section>
  );
}

const FindingTable = ({ findings }: { readonly findings: readonly RuleFinding[] }) => (
  <Table
    class="near-misses"
    labelledBy="found-heading"
    heads={["Subject", { number: "Hits" }, "Last hit", "Evidence", "Spared by policy"]}
  >
    {findings.map(({ id, incident, subject, count, firstSeen, lastSeen, spared }) => (
      <tr key={id}>
        <TargetHead target={subject} />
        <td data-label="Hits" class="number">
          {formatCount(count)}
        </td>
        <td data-label="Last hit" class="when">
          <Ago at={lastSeen} />
          {firstSeen !== lastSeen && (
            <small>
              first <Ago at={firstSeen} />
            </small>
          )}
        </td>
        <td data-label="Evidence">
          <a href={`#incident/${incident}`}>incident {incident}</a>
        </td>
        <td data-label="Spared by policy">{spared === null ? <small>no</small> : <Text value={spared} />}</td>
      </tr>
    ))}
  </Table>
);
