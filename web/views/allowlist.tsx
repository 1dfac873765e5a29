import type { AllowItem } from "../../src/model/api.ts";
import { api } from "../api.ts";
import { refresh } from "../refresh.ts";
import { allowlist } from "../state.ts";
import { Capped } from "./capped.tsx";
import { Pager } from "./pager.tsx";
import { type RowAction, RowActions } from "./row-actions.tsx";
import { Section } from "./section.tsx";
import { Table } from "./table.tsx";
import { TargetHead } from "./target-head.tsx";
import { Text } from "./text.tsx";
import { Ago } from "./time.tsx";

export function Allowlist() {
  return (
    <Section id="allowlist-heading" heading="Allowlist" focusable>
      <AllowList items={allowlist.items.value} />
      <Pager list={allowlist} read={refresh.allowlist} label="Pages of the allowlist" />
    </Section>
  );
}

function AllowList({ items }: { readonly items: readonly AllowItem[] | null }) {
  if (items === null) return <p class="empty">Reading the allowlist.</p>;
  if (items.length === 0) {
    return (
      <p class="empty">
        Nobody is on the allowlist. Whom you allow beside a ban, with <code>sekisho allow</code>, or under{" "}
        <code>allowlist:</code> in sekisho.yaml is never banned and stands here.
      </p>
    );
  }
  return (
    <Capped items={items} whole={allowlist.whole} name="entries">
      {(shown) => <AllowTable items={shown} />}
    </Capped>
  );
}

function AllowTable({ items }: { readonly items: readonly AllowItem[] }) {
  return (
    <Table
      class="allowlist"
      labelledBy="allowlist-heading"
      heads={["Never banned", "Why", "By", "Since"]}
      actions
    >
      {items.map((item) => (
        <AllowRow key={`${item.by} ${item.target}`} item={item} />
      ))}
    </Table>
  );
}

function AllowRow({ item: { target, by, reason, at } }: { readonly item: AllowItem }) {
  return (
    <tr>
      <TargetHead target={target} />
      <td class="why">
        <Text value={reason} />
      </td>
      <td data-label="By">{by === "person" ? "a person" : "the configuration"}</td>
      <td data-label="Since">{at === null ? "always" : <Ago at={at} />}</td>
      <td class="actions">
        {by === "person" ? (
          <RowActions target={target} actions={[REMOVE]} keep="Keep the entry" heading="#allowlist-heading" />
        ) : (
          <small>changed in sekisho.yaml</small>
        )}
      </td>
    </tr>
  );
}

const REMOVE: RowAction = {
  button: "Remove",
  question: "Take off the allowlist",
  asksReason: false,
  async act(target) {
    await api.disallow(target);
    refresh.allowlist(true);
    return `Removed from the allowlist: ${target}`;
  },
};
