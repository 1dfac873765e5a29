import type { ListStatus } from "../../src/model/api.ts";
import { api } from "../api.ts";
import { formatCount } from "../format.ts";
import { refresh } from "../refresh.ts";
import { status } from "../state.ts";
import { ActionButton } from "./action-button.tsx";
import { EntryError } from "./entry-error.tsx";
import { Exports } from "./exports.tsx";
import { Mark } from "./mark.tsx";
import { PageHeading } from "./page-heading.tsx";
import { Section } from "./section.tsx";
import { Table } from "./table.tsx";
import { Text } from "./text.tsx";
import { Ago, Ahead } from "./time.tsx";

export function Lists() {
  return (
    <div class="page">
      <PageHeading>Lists</PageHeading>
      <Section
        id="lists-heading"
        heading="Imported lists"
        beside={
          status.value?.mode === "observe" && <span class="note">observe: nobody is blocked for them</span>
        }
      >
        <ImportedLists lists={status.value?.lists ?? null} />
      </Section>
      <Exports />
    </div>
  );
}

function ImportedLists({ lists }: { readonly lists: readonly ListStatus[] | null }) {
  if (lists === null) return <p class="empty">Reading the lists.</p>;
  if (lists.length === 0) {
    return (
      <p class="empty">
        No list is imported. Blocklists and allowlists from files and web addresses are named under{" "}
        <code>lists:</code> in sekisho.yaml; each is fetched on its own schedule and stands here.
      </p>
    );
  }
  return (
    <Table
      class="lists"
      labelledBy="lists-heading"
      heads={["List", "State", "Kind", { number: "Entries" }, "Left out", "Fetched", "Next fetch"]}
      actions
    >
      {lists.map((list) => (
        <ListRow key={list.name} list={list} />
      ))}
    </Table>
  );
}

function ListRow({ list }: { readonly list: ListStatus }) {
  const { name, kind, from, entries, fetchedAt, triedAt, nextFetchAt, until, error, hint } = list;
  return (
    <tr>
      <th scope="row">
        <Text value={name} />
        <small class="path">
          <Text value={from} />
        </small>
      </th>
      <td data-label="State" class="state">
        <ListMark list={list} />
        <EntryError error={error} hint={hint} />
        <Examples lines={list.examples} />
      </td>
      <td data-label="Kind">{kind}</td>
      <td data-label="Entries" class="number">
        {formatCount(entries)}
        {until !== null && (
          <small>
            end <Ahead at={until} />
          </small>
        )}
      </td>
      <td data-label="Left out">
        <LeftOut list={list} />
      </td>
      <td data-label="Fetched" class="when">
        {fetchedAt === null ? "never" : <Ago at={fetchedAt} />}
        {error !== null && triedAt !== null && (
          <small>
            tried <Ago at={triedAt} />
          </small>
        )}
      </td>
      <td data-label="Next fetch" class="when">
        {nextFetchAt === null ? "none" : <Ahead at={nextFetchAt} />}
      </td>
      <td class="actions">
        <ActionButton
          text="Fetch now"
          busyText="Fetching"
          label={`Fetch ${name} now`}
          act={() => fetchNow(name)}
        />
      </td>
    </tr>
  );
}

function ListMark({ list: { error, fetchedAt, entries } }: { readonly list: ListStatus }) {
  if (error !== null) return <Mark tone="bad">{entries > 0 ? "last good copy holds" : "no entries"}</Mark>;
  if (fetchedAt === null) return <Mark tone="waiting">not fetched yet</Mark>;
  return <Mark tone="good">as its source</Mark>;
}

/** What of the list is not taken, or not blocked. */
function LeftOut({ list: { wrong, refused, spared, ownAndPrivate } }: { readonly list: ListStatus }) {
  const parts = [
    [wrong, "wrong"],
    [refused, "refused"],
    [spared, "spared"],
  ] as const;
  const told = parts
    .filter(([amount]) => amount > 0)
    .map(([amount, what]) => `${formatCount(amount)} ${what}`);
  return (
    <>
      {told.length === 0 ? <small>nothing</small> : <span>{told.join(", ")}</span>}
      {ownAndPrivate === "leave-out" && <small>own and private ranges are</small>}
    </>
  );
}

function Examples({ lines }: { readonly lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <details>
      <summary>First lines that are left out</summary>
      <ul class="examples">
        {lines.map((line) => (
          <li key={line}>
            <Text value={line} />
          </li>
        ))}
      </ul>
    </details>
  );
}

async function fetchNow(name: string): Promise<string> {
  const { error, entries } = await api.fetchList(name);
  refresh.status(true);
  const has = `${formatCount(entries)} ${entries === 1 ? "entry" : "entries"}`;
  return error === null ? `Fetched ${name}: ${has}` : `${name} was not taken: it keeps its ${has}`;
}
