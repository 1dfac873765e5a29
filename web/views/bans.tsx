import { useSignal } from "@preact/signals";
import type { BanItem } from "../../src/model/api.ts";
import { DRY_RUN } from "../effect.ts";
import { formatCount } from "../format.ts";
import { refresh, turn } from "../refresh.ts";
import { bans, bansTouching, incidentId, status } from "../state.ts";
import { BanActions } from "./ban-actions.tsx";
import { BanForm } from "./ban-form.tsx";
import { BanSearch } from "./ban-search.tsx";
import { Capped } from "./capped.tsx";
import { Choice } from "./choice.tsx";
import { Mark } from "./mark.tsx";
import { Pager } from "./pager.tsx";
import { Section } from "./section.tsx";
import { Table } from "./table.tsx";
import { TargetHead } from "./target-head.tsx";
import { Text } from "./text.tsx";
import { Ago, Remaining } from "./time.tsx";

const FILTERS = [
  ["active", "Active"],
  ["all", "All"],
] as const;

export function Bans() {
  const open = useSignal(false);
  return (
    <Section
      id="bans-heading"
      heading="Bans"
      focusable
      beside={
        <>
          <button
            type="button"
            aria-expanded={open.value}
            onClick={() => {
              open.value = !open.value;
            }}
          >
            Ban an address
          </button>
          <Choice
            label="Which bans"
            options={FILTERS}
            value={bans.filter.value === "active" ? "active" : "all"}
            onChoose={(filter) => {
              turn(bans, { filter });
              refresh.bans(true);
            }}
          />
        </>
      }
    >
      {open.value && (
        <BanForm
          onDone={() => {
            open.value = false;
          }}
        />
      )}
      <BanSearch />
      <BanList items={bans.items.value} />
      <Pager list={bans} read={refresh.bans} label="Pages of bans" />
    </Section>
  );
}

function BanList({ items }: { readonly items: readonly BanItem[] | null }) {
  if (items === null) return <p class="empty">Reading the bans.</p>;
  const sought = bansTouching.value;
  if (items.length === 0 && sought !== "") {
    return (
      <p class="empty">
        No {bans.filter.value === "active" ? "active ban" : "ban"} covers <Text value={sought} />.{" "}
        <code>
          sekisho explain <Text value={sought} />
        </code>{" "}
        tells all that is known of it.
      </p>
    );
  }
  if (items.length === 0) {
    return (
      <p class="empty">
        No bans. When a rule fires, or when you ban an address, the ban stands here until its expiry and can
        be lifted at any time.
      </p>
    );
  }
  return (
    <Capped items={items} whole={bans.whole} name="bans">
      {(shown) => <BanTable items={shown} labelledBy="bans-heading" />}
    </Capped>
  );
}

export function BanTable({
  items,
  labelledBy,
}: {
  readonly items: readonly BanItem[];
  readonly labelledBy: string;
}) {
  return (
    <Table
      class="bans"
      labelledBy={labelledBy}
      heads={["Target", "Why", "Since", "Remaining", "Enforced by"]}
      actions
    >
      {items.map((ban) => (
        <BanRow key={ban.id} ban={ban} />
      ))}
    </Table>
  );
}

function BanRow({ ban }: { readonly ban: BanItem }) {
  const active = ban.state === "active";
  return (
    <tr class={active ? "" : "past"}>
      <TargetHead target={ban.target} />
      <td class="why">
        <Text value={ban.reason} />
        <DecidedBy ban={ban} />
      </td>
      <td data-label="Since">
        <Ago at={ban.at} />
      </td>
      <td data-label="Remaining">{active ? <Remaining until={ban.until} /> : ban.state}</td>
      <td data-label="Enforced by" class="enforced">
        <EnforcedBy ban={ban} />
      </td>
      <td class="actions">{active && <BanActions target={ban.target} />}</td>
    </tr>
  );
}

function DecidedBy({ ban }: { readonly ban: BanItem }) {
  return (
    <small>
      {ban.rule === null ? (
        "by a person"
      ) : (
        <>
          by rule{" "}
          <a href={`#rule/${ban.rule}`}>
            <Text value={ban.rule} />
          </a>
        </>
      )}
      {ban.incident !== null && ban.incident !== incidentId.value && (
        <>
          , <a href={`#incident/${ban.incident}`}>incident {ban.incident}</a>
        </>
      )}
    </small>
  );
}

function EnforcedBy({ ban }: { readonly ban: BanItem }) {
  return (
    <>
      <Holders ban={ban} />
      {ban.passed !== undefined && (
        <Mark tone="bad">
          {ban.passed === 1 ? "1 request came through" : `${formatCount(ban.passed)} requests came through`}
        </Mark>
      )}
    </>
  );
}

function Holders({ ban }: { readonly ban: BanItem }) {
  if (ban.state !== "active") return <Mark tone="off">no longer</Mark>;
  if (ban.enforcedBy.length > 0)
    return ban.enforcedBy.map((name) => (
      <Mark key={name} tone={name === DRY_RUN ? "off" : "good"}>
        {name === DRY_RUN ? "dry-run (not blocked)" : name}
      </Mark>
    ));
  if (status.value?.mode === "observe") return <Mark tone="off">not enforced (observe)</Mark>;
  return <Mark tone="waiting">not yet enforced</Mark>;
}
