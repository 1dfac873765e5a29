import type { BanItem, IncidentItem } from "../../src/model/api.ts";
import { DRY_RUN } from "../effect.ts";
import { formatCount } from "../format.ts";
import { refresh, turn } from "../refresh.ts";
import { incidents, status } from "../state.ts";
import { Capped } from "./capped.tsx";
import { Choice } from "./choice.tsx";
import { Mark } from "./mark.tsx";
import { Pager } from "./pager.tsx";
import { Section } from "./section.tsx";
import { SeverityMark } from "./severity.tsx";
import { Table } from "./table.tsx";
import { Text } from "./text.tsx";
import { Ago, Remaining } from "./time.tsx";

const FILTERS = [
  ["open", "Open"],
  ["closed", "Closed"],
  ["all", "All"],
] as const;

export function Incidents() {
  return (
    <Section
      id="incidents-heading"
      heading="Incidents"
      focusable
      beside={
        <Choice
          label="Which incidents"
          options={FILTERS}
          value={incidents.filter.value}
          onChoose={(filter) => {
            turn(incidents, { filter });
            refresh.incidents(true);
          }}
        />
      }
    >
      <IncidentList items={incidents.items.value} />
      <Pager list={incidents} read={refresh.incidents} label="Pages of incidents" />
    </Section>
  );
}

function IncidentList({ items }: { readonly items: readonly IncidentItem[] | null }) {
  if (items === null) return <p class="empty">Reading the incidents.</p>;
  if (items.length === 0) {
    const which = incidents.filter.value === "all" ? "" : `${incidents.filter.value} `;
    return (
      <p class="empty">
        No {which}incidents. Findings on one subject are grouped into an incident, with the lines that led to
        them, for you to review.
      </p>
    );
  }
  return (
    <Capped items={items} whole={incidents.whole} name="incidents">
      {(shown) => <IncidentTable items={shown} />}
    </Capped>
  );
}

function IncidentTable({ items }: { readonly items: readonly IncidentItem[] }) {
  return (
    <Table
      class="incidents"
      labelledBy="incidents-heading"
      heads={["Subject", "Severity", "Rules", "Last seen", { number: "Findings" }, "Ban"]}
    >
      {items.map((incident) => (
        <IncidentRow key={incident.id} incident={incident} />
      ))}
    </Table>
  );
}

function IncidentRow({ incident }: { readonly incident: IncidentItem }) {
  const { id, subject, severity, state, rules, openedAt, lastSeen, findingCount, ban } = incident;
  return (
    <tr class={state === "open" ? "" : "past"}>
      <th scope="row" class="target">
        <a href={`#incident/${id}`}>
          <Text value={subject} />
        </a>
        {state === "closed" && <small>closed</small>}
      </th>
      <td data-label="Severity">
        <SeverityMark severity={severity} />
      </td>
      <td data-label="Rules" class="rules">
        <Text value={[...new Set(rules)].join(", ")} />
      </td>
      <td data-label="Last seen" class="when">
        <Ago at={lastSeen} />
        <small>
          opened <Ago at={openedAt} />
        </small>
      </td>
      <td data-label="Findings" class="number">
        {formatCount(findingCount)}
      </td>
      <td data-label="Ban">
        <BanSummary ban={ban} />
      </td>
    </tr>
  );
}

function BanSummary({ ban }: { readonly ban: BanItem | null }) {
  if (ban === null) return <Mark tone="off">none</Mark>;
  if (ban.state !== "active") return <Mark tone="off">{ban.state}</Mark>;
  const blocked = ban.enforcedBy.some((name) => name !== DRY_RUN);
  return (
    <>
      <Mark tone={blocked ? "good" : "waiting"}>active</Mark>
      <small>
        {status.value?.mode === "observe" ? "not enforced (observe), " : ""}
        <span class="countdown">
          {ban.until === null ? "" : "for "}
          <Remaining until={ban.until} />
        </span>
      </small>
    </>
  );
}
