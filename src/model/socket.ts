import type { AccessEvent, OpeningEvent } from "./event.ts";
import type { Ip } from "./ip.ts";
import type { UnixMs } from "./time.ts";

export const SOCKET_STATES = ["open", "closed", "lost"] as const;
/** `lost`: it is not open any more, and no line told when it ended and what it carried. */
export type SocketState = (typeof SOCKET_STATES)[number];

/** A WebSocket's number, given when its opening is read. */
export type SocketId = number;

/** What only the line that is written at the end knows. */
export interface SocketEnd
  extends Pick<AccessEvent, "status" | "durationUs" | "bytesIn" | "bytesOut" | "vhost"> {
  /** The line's time, which is when the socket was opened. */
  readonly openedAt: UnixMs;
}

/** What lines told of sockets, in their order. */
export type SocketChange =
  | { readonly kind: "opened"; readonly id: SocketId; readonly key: string; readonly event: OpeningEvent }
  | { readonly kind: "closed"; readonly id: SocketId; readonly end: SocketEnd }
  /** Apache was stopped or started anew: no line will tell of the end of what was open before. */
  | { readonly kind: "lost"; readonly openedBefore: UnixMs }
  /** Too many are open; what comes of this one is not followed any more. */
  | { readonly kind: "given-up"; readonly id: SocketId };

/** A socket whose end has not been seen. */
export interface UnendedSocket {
  readonly id: SocketId;
  readonly key: string;
  readonly openedAt: UnixMs;
  readonly client: Ip;
  /** False when Apache was started anew since: its line may come, but it is not open. */
  readonly open: boolean;
}
