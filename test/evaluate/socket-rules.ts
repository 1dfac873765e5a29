import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { Sockets } from "../../src/evaluate/sockets.ts";
import type { LogEvent } from "../../src/model/event.ts";
import type { SocketChange, UnendedSocket } from "../../src/model/socket.ts";
import { ruleOf } from "./rules.ts";

export const CLIENT = "203.0.113.7";
export const FOREIGN = "https://evil.example";
export const foreign = { origin: FOREIGN };

export const rule = (id: string, match: object, bucket: object = {}) =>
  ruleOf(id, {
    match,
    bucket: { kind: "threshold", count: 2, window: "1m", ...bucket },
    cooldown: "1s",
  });
export const HANDSHAKE = rule("handshake", { handshake: true });
export const FOREIGN_ORIGIN = rule("foreign-origin", { handshake: true, foreignOrigin: true });
export const LONG = rule("long", { handshake: true, durationUs: { atLeast: 1_000_000 } });
export const REFUSED = rule("refused", { status: 403 });
export const ANY = rule("any", {});

/** What the store holds of a socket that was opened. */
export const unended = (change: SocketChange | undefined, open = true): UnendedSocket[] =>
  change?.kind === "opened"
    ? [{ id: change.id, key: change.key, openedAt: change.event.time, client: change.event.client, open }]
    : [];

/** Rules that fired, in order, with batches as they are given. */
export function fired(rules: readonly ReturnType<typeof rule>[], ...batches: LogEvent[][]): string[] {
  const sockets = new Sockets();
  const evaluator = new Evaluator(rules);
  return batches.flatMap((events) => {
    sockets.follow(events);
    return evaluator.evaluate(events).map((finding) => `${finding.rule} ${finding.evidence.at(-1)}`);
  });
}
