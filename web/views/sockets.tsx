import type { SocketHolder } from "../../src/model/api.ts";
import { formatCount } from "../format.ts";
import { refresh } from "../refresh.ts";
import { sockets, socketsWhole, status } from "../state.ts";
import { banAction } from "./ban-actions.tsx";
import { Capped } from "./capped.tsx";
import { Mark } from "./mark.tsx";
import { type RowAction, RowActions } from "./row-actions.tsx";
import { Section } from "./section.tsx";
import { Table } from "./table.tsx";
import { TargetHead } from "./target-head.tsx";
import { Text } from "./text.tsx";
import { Ago } from "./time.tsx";

const ACTIONS: readonly RowAction[] = [banAction(refresh.sockets)];

/** Rows on the page; who holds most stands first. */
const ROWS = 10;

export function Sockets() {
  const open = status.value?.sockets.open ?? 0;
  return (
    <Section
      id="sockets-heading"
      heading="Open WebSockets"
      focusable
      beside={open > 0 && <span class="note">{formatCount(open)} open</span>}
    >
      <Holders holders={sockets.value} open={open} />
    </Section>
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
    <Table
      class="sockets"
      labelledBy="sockets-heading"
      heads={["Client", { number: "Open" }, "Asked for", "Origin", "Since", "Ban"]}
      actions
    >
      {holders.map((holder) => (
        <HolderRow key={`${holder.client} ${holder.origin} ${holder.host} ${holder.path}`} holder={holder} />
      ))}
    </Table>
  );
}

function HolderRow({ holder }: { readonly holder: SocketHolder }) {
  const { client, origin, host, path, open, firstOpenedAt, lastOpenedAt, foreign, banned, incident } = holder;
  return (
    <tr>
      <TargetHead target={client} />
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
