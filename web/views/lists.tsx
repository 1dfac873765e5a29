import { useSignal } from "@preact/signals";
import type { ListStatus } from "../../src/model/api.ts";
import { type ApiError, api, asApiError } from "../api.ts";
import { formatCount } from "../format.ts";
import { refresh } from "../refresh.ts";
import { outcome, status } from "../state.ts";
import { Exports } from "./exports.tsx";
import { Mark } from "./mark.tsx";
import { PageHeading } from "./page-heading.tsx";
import { Refusal } from "./refusal.tsx";
import { ActionsHead } from "./row-actions.tsx";
import { EntryError } from "./sources.tsx";
import { Text } from "./text.tsx";
import { Ago, Ahead } from "./time.tsx";

export function Lists() {
  return (
    <div class="page">
      <PageHeading>Lists</PageHeading>
      <section aria-labelledby="lists-heading">
        <div class="section-head">
          <h2 id="lists-heading">Imported lists</h2>
          {status.value?.mode === "observe" && <span class="note">observe: nobody is blocked for them</span>}
        </div>
        <ImportedLists lists={status.value?.lists ?? null} />
      </section>
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
    <table class="lists" aria-labelledby="lists-heading">
      <thead>
        <tr>
          <th scope="col">List</th>
          <th scope="col">State</th>
          <th scope="col">Kind</th>
          <th scope="col" class="number">
            Entries
          </th>
          <th scope="col">Left out</th>
          <th scope="col">Fetched</th>
          <th scope="col">Next fetch</th>
          <ActionsHead />
        </tr>
      </thead>
      <tbody>
        {lists.map((list) => (
          <ListRow key={list.name} list={list} />
        ))}
      </tbody>
    </table>
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
        <FetchNow name={name} />
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
function LeftOut({ list: { wrong, refused, spared } }: { readonly list: ListStatus }) {
  const parts = [
    [wrong, "wrong"],
    [refused, "refused"],
    [spared, "spared"],
  ] as const;
  const told = parts
    .filter(([amount]) => amount > 0)
    .map(([amount, what]) => `${formatCount(amount)} ${what}`);
  if (told.length === 0) return <small>nothing</small>;
  return <span>{told.join(", ")}</span>;
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

function FetchNow({ name }: { readonly name: string }) {
  const error = useSignal<ApiError | null>(null);
  const busy = useSignal(false);
  const act = async (): Promise<void> => {
    busy.value = true;
    error.value = null;
    try {
      const list = await api.fetchList(name);
      const entries = `${formatCount(list.entries)} ${list.entries === 1 ? "entry" : "entries"}`;
      outcome.value =
        list.error === null
          ? `Fetched ${name}: ${entries}`
          : `${name} was not taken: it keeps its ${entries}`;
      refresh.status(true);
    } catch (problem) {
      error.value = asApiError(problem);
    }
    busy.value = false;
  };
  return (
    <>
      <button type="button" disabled={busy.value} aria-label={`Fetch ${name} now`} onClick={act}>
        {busy.value ? "Fetching" : "Fetch now"}
      </button>
      <Refusal error={error.value} />
    </>
  );
}
