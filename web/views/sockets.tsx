import type { SocketHolder } from "../../src/model/api.ts";
import { api } from "../api.ts";
import { banOutcome } from "../effect.ts";
import { formatCount } from "../format.ts";
import { refresh } from "../refresh.ts";
import { now, sockets, socketsWhole, status } from "../state.ts";
import { Capped } from "./capped.tsx";
import { Mark } from "./mark.tsx";
import { ActionsHead, type RowAction, RowActions } from "./row-actions.tsx";
import { Text } from "./text.tsx";
import { Ago } from "./time.tsx";

const ACTIONS: readonly RowAction[] = [
  {
    button: "Ban",
    question: "Ban, as long as policy says,",
    asksReason: true,
    async act(target, reason) {
      const banned = await api.ban(target, "", reason);
      const { bans, incidents, status: shown, sockets: holders } = refresh;
      for (const read of [bans, incidents, shown, holders]) read(true);
      return banOutcome(banned, status.value, now.value);
    },
  },
];

/** Rows on the page; who holds most stands first. */
const ROWS = 10;

export function Sockets() {
  const open = status.value?.sockets.open ?? 0;
  return (
    <section aria-labelledby="sockets-heading">
      <div class="section-head">
        <h2 id="sockets-heading" tabIndex={-1}>
          Open WebSockets
        </h2>
        {open > 0 && <span class="note">{formatCount(open)} open</span>}
      </div>
      <Holders holders={sockets.value} open={open} />
    </section>
  );
}

function Holders({
  holders,
  open,
}: {
  readonly holders: readonly SocketHolder[] | null;
  readonly open: number;
}) {
  if (holders === null) return <p class="empty">Reading the WebSockets.</p>;
  if (holders.length === 0) {
    return (
      <p class="empty">
        No WebSocket is known to be open. Apache tells when one opens with the lines of{" "}
        <code>sekisho apache snippet</code> and mod_log_debug; without them it tells when one closes.
      </p>
    );
  }
  const first = holders.slice(0, ROWS);
  const more = open - first.reduce((sum, holder) => sum + holder.open, 0);
  return (
    <>
      <Capped items={first} whole={socketsWhole} name="rows">
        {(shown) => <HolderTable holders={shown} />}
      </Capped>
      {more > 0 && (
        <p class="empty">
          And {formatCount(more)} more, which <code>sekisho sockets</code> lists.
        </p>
      )}
    </>
  );
}

function HolderTable({ holders }: { readonly holders: readonly SocketHolder[] }) {
  return (
    <table class="sockets" aria-labelledby="sockets-heading">
      <thead>
        <tr>
          <th scope="col">Client</th>
          <th scope="col" class="number">
            Open
          </th>
          <th scope="col">Asked for</th>
          <th scope="col">Origin</th>
          <th scope="col">Since</th>
          <th scope="col">Ban</th>
          <ActionsHead />
        </tr>
      </thead>
      <tbody>
        {holders.map((holder) => (
          <HolderRow
            key={`${holder.client} ${holder.origin} ${holder.host} ${holder.path}`}
            holder={holder}
          />
        ))}
      </tbody>
    </table>
  );
}

function HolderRow({ holder }: { readonly holder: SocketHolder }) {
  const { client, origin, host, path, open, firstOpenedAt, lastOpenedAt, foreign, banned, incident } = holder;
  return (
    <tr>
      <th scope="row" class="target">
        <Text value={client} />
      </th>
      <td data-label="Open" class="number">
        {formatCount(open)}
      </td>
      <td data-label="Asked for">
        <code>
          <Text value={shown(`${host}${path}`)} />
        </code>
      </td>
      <td data-label="Origin" class="origin">
        {origin === null ? <Mark tone="waiting">none sent</Mark> : <Text value={shown(origin)} />}
        {foreign && (
          <small>
            <Mark tone="bad">foreign</Mark>
          </small>
        )}
      </td>
      <td data-label="Since" class="when">
        <Ago at={firstOpenedAt} />
        {open > 1 && (
          <small>
            latest <Ago at={lastOpenedAt} />
          </small>
        )}
      </td>
      <td data-label="Ban">
        {banned ? (
          <Mark tone={status.value?.mode === "observe" ? "waiting" : "good"}>banned</Mark>
        ) : (
          <Mark tone="off">none</Mark>
        )}
        {incident !== null && (
          <small>
            <a href={`#incident/${incident}`}>incident {incident}</a>
          </small>
        )}
      </td>
      <td class="actions">
        {!banned && (
          <RowActions target={client} actions={ACTIONS} keep="Leave it" heading="#sockets-heading" />
        )}
      </td>
    </tr>
  );
}

const LENGTH = 90;

/** A client may ask for a path as long as a page. */
const shown = (text: string): string => (text.length > LENGTH ? `${text.slice(0, LENGTH)}…` : text);
