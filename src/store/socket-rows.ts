import { unreachable } from "../model/brand.ts";
import type { OpeningEvent } from "../model/event.ts";
import { maskField, maskSecrets } from "../model/secrets.ts";
import type { SocketChange, SocketEnd, SocketId, UnendedSocket } from "../model/socket.ts";
import type { UnixMs } from "../model/time.ts";
import { whole } from "./event-rows.ts";
import type { Statements } from "./statements.ts";

/** What is kept of one text; the whole of it is in the event. */
const TEXT_LENGTH = 512;
/** Sockets that have ended are kept up to this number: what they did is in the events, too. */
const KEEP_ENDED = 10_000;
/** They are counted once so many more have ended. */
const DELETE_AT = 1_000;

/** Writes what becomes of WebSockets, in the transaction of the batch that told it. */
export class SocketRows {
  readonly #statements: Statements;
  #endedSince = 0;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  get nextId(): SocketId {
    return this.#statements.number("SELECT coalesce(max(id), 0) + 1 FROM sockets");
  }

  /** Sockets whose end was not seen, as their lines may still come; last those that had better not be forgotten. */
  unended(): UnendedSocket[] {
    return this.#statements
      .all<Omit<UnendedSocket, "open"> & { readonly open: number }>(
        `SELECT id, key, opened_at AS openedAt, client, state = 'open' AS open FROM sockets
          WHERE state IN ('open', 'lost') ORDER BY state = 'open', id`,
      )
      .map((socket) => ({ ...socket, open: socket.open === 1 }));
  }

  apply(changes: readonly SocketChange[]): void {
    for (const change of changes) this.#apply(change);
    if (this.#endedSince < DELETE_AT) return;
    this.#endedSince = 0;
    this.#statements.change(
      `DELETE FROM sockets WHERE state <> 'open' AND id <=
         (SELECT id FROM sockets WHERE state <> 'open' ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      KEEP_ENDED,
    );
  }

  #apply(change: SocketChange): void {
    switch (change.kind) {
      case "opened":
        this.#open(change.id, change.key, change.event);
        return;
      case "closed":
        this.#close(change.id, change.end);
        return;
      case "lost":
        this.#endedSince += this.#statements.change(
          "UPDATE sockets SET state = 'lost' WHERE state = 'open' AND opened_at < ?",
          change.openedBefore,
        );
        return;
      case "given-up":
        this.#endedSince += this.#statements.change(
          "UPDATE sockets SET state = 'lost' WHERE id = ? AND state = 'open'",
          change.id,
        );
        return;
      default:
        unreachable(change);
    }
  }

  #open(id: SocketId, key: string, event: OpeningEvent): void {
    const cut = <T extends string | null>(text: T): T =>
      (text === null ? null : text.slice(0, TEXT_LENGTH)) as T;
    this.#statements.insert(
      "INSERT INTO sockets VALUES (?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL)",
      id,
      key,
      event.time,
      event.client,
      cut(maskSecrets(event.path)),
      cut(maskField(event.query)),
      cut(event.origin),
      cut(event.host),
      cut(event.vhost),
      cut(event.userAgent),
      cut(event.user),
    );
  }

  #close(id: SocketId, end: SocketEnd): void {
    this.#endedSince += this.#statements.change(
      `UPDATE sockets SET state = 'closed', status = ?, duration_us = ?, bytes_in = ?, bytes_out = ?,
         vhost = coalesce(?, vhost) WHERE id = ?`,
      end.status,
      whole(end.durationUs),
      whole(end.bytesIn),
      whole(end.bytesOut),
      end.vhost ?? null,
      id,
    );
  }

  /** Forgets those that ended and were opened before that time. */
  deleteOld(before: UnixMs): void {
    this.#statements.change("DELETE FROM sockets WHERE state <> 'open' AND opened_at < ?", before);
  }
}
