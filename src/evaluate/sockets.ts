import { createHash } from "node:crypto";
import type { AccessEvent, ErrorEvent, LogEvent, OpeningEvent } from "../model/event.ts";
import { detached } from "../model/line.ts";
import { maskField, maskSecrets } from "../model/secrets.ts";
import type { SocketChange, SocketEnd, SocketId, UnendedSocket } from "../model/socket.ts";
import type { UnixMs } from "../model/time.ts";
import { isHandshake } from "./read-field.ts";

/** An access line's time is when the request line came, the opening's when all headers had. Apache waits 40 s for them. */
const APART_MS = 60_000;
/** The same where the log does not show Upgrade, and a request that was refused is only taken for a handshake. */
const APART_UNSURE_MS = 2_000;
/** Sockets that are followed at once. Apache holds far fewer, unless many ended in a way that no line tells. */
const MAX_OPEN = 50_000;
/** Ends that are kept for an opening that may be read later, as it stands in another log. */
const MAX_ENDS = 10_000;

/** What Apache says, as event, prefork and worker MPM, when it begins to serve: at a start and after each reload. */
const STARTED: ReadonlySet<string> = new Set(["AH00489", "AH00163", "AH00292"]);
/** That the next start is a graceful reload, which leaves sockets open. */
const GRACEFUL: ReadonlySet<string> = new Set(["AH00493", "AH00171", "AH00297"]);
/** That it stops now and cuts what is open. */
const STOPPED: ReadonlySet<string> = new Set(["AH00491", "AH00169", "AH00295"]);

/**
 * Follows WebSockets from their opening, which the error log tells at once, to the access line that Apache writes when
 * they close, and marks whichever of the two is read second. They belong together when the same client asked for the same
 * thing within a minute; of several the nearest in time is taken, so that each line is used once and counts are right.
 */
export class Sockets {
  readonly #open: Waiting<SocketId>;
  readonly #ends: Waiting<SocketEnd>;
  #nextId: SocketId;
  /** Whether this Apache tells of openings at all. */
  #told = false;
  /** Sources whose Apache said that it reloads. */
  readonly #reloading = new Set<number>();
  /** When Apache last started or stopped: what was opened before and is read later is lost, too. */
  #lostBefore = 0 as UnixMs;

  /** `unended`: what the store holds of earlier runs. */
  constructor(unended: Iterable<UnendedSocket> = [], nextId = 1, maxOpen = MAX_OPEN, maxEnds = MAX_ENDS) {
    this.#open = new Waiting(maxOpen);
    this.#ends = new Waiting(maxEnds);
    this.#nextId = nextId;
    for (const { key, openedAt, id } of unended) {
      this.#open.add(key, openedAt, id, APART_MS);
      this.#told = true;
    }
  }

  /** Marks the second line of each socket, and tells what became of them. */
  follow(events: readonly LogEvent[]): SocketChange[] {
    const changes: SocketChange[] = [];
    for (const event of events) {
      if (event.kind === "access") {
        const apart = this.#apart(event);
        if (apart !== null) this.#end(event, apart, changes);
      } else if (event.kind === "opening") this.#opening(event, changes);
      else if (event.kind === "error" && event.code !== null) this.#server(event, changes);
    }
    return changes;
  }

  /** Passes stored events on, and takes from them the ends whose opening has not been seen. */
  *recalled<Batch extends { readonly events: readonly LogEvent[] }>(
    batches: Iterable<Batch>,
  ): Generator<Batch> {
    for (const batch of batches) {
      for (const event of batch.events) {
        if (event.kind === "opening" && event.second) this.#ends.take(keyOf(event), event.time, APART_MS);
        if (event.kind === "opening") this.#told = true;
        if (event.kind !== "access" || event.second) continue;
        const apart = this.#apart(event);
        if (apart !== null) this.#ends.add(keyOf(event), event.time, endOf(event), apart);
      }
      yield batch;
    }
  }

  /**
   * How far its time may be from an opening's; null when it is no end of a socket. A log without Upgrade shows a handshake
   * that the app refused like any other request; where openings are told, a refusal at the same moment is theirs.
   */
  #apart(event: AccessEvent): number | null {
    if (event.refused) return null;
    if (isHandshake(event)) return APART_MS;
    return this.#told && event.upgrade === undefined && event.status >= 400 ? APART_UNSURE_MS : null;
  }

  #opening(event: OpeningEvent, changes: SocketChange[]): void {
    this.#told = true;
    const id = this.#nextId++;
    const key = keyOf(event);
    changes.push({ kind: "opened", id, key, event });
    const end = this.#ends.take(key, event.time, APART_MS);
    if (end !== null) {
      event.second = true;
      changes.push({ kind: "closed", id, end });
      return;
    }
    if (event.time < this.#lostBefore) changes.push({ kind: "lost", openedBefore: this.#lostBefore });
    const crowdedOut = this.#open.add(key, event.time, id, APART_MS);
    if (crowdedOut !== null) changes.push({ kind: "given-up", id: crowdedOut });
  }

  #end(event: AccessEvent, apart: number, changes: SocketChange[]): void {
    const key = keyOf(event);
    const end = endOf(event);
    const id = this.#open.take(key, event.time, apart);
    if (id === null) {
      this.#ends.add(key, event.time, end, apart);
      return;
    }
    event.second = true;
    changes.push({ kind: "closed", id, end });
  }

  #server({ code, source, time }: ErrorEvent, changes: SocketChange[]): void {
    if (GRACEFUL.has(code!)) this.#reloading.add(source);
    else if (STOPPED.has(code!) || (STARTED.has(code!) && !this.#reloading.delete(source))) {
      if (time > this.#lostBefore) this.#lostBefore = time;
      // They stay in memory: where two Apaches are watched, a line may yet come, and must not be judged again.
      changes.push({ kind: "lost", openedBefore: time });
    }
  }
}

/** What the store keeps of an end must not keep its batch alive. */
const endOf = ({ time, status, durationUs, bytesIn, bytesOut, vhost }: AccessEvent): SocketEnd => ({
  openedAt: time,
  status,
  durationUs,
  bytesIn,
  bytesOut,
  vhost: vhost === undefined ? undefined : detached(vhost),
});

/**
 * Who asked for what. Secrets are masked as the store does, so that a stored event has the key that it had before, and
 * the path is decoded, as some LogFormats (%U) show it so.
 */
function keyOf({ client, path, query }: AccessEvent | OpeningEvent): string {
  const asked = `${client} ${decoded(maskSecrets(path))}?${maskField(query) ?? ""}`;
  return createHash("sha1").update(asked).digest("base64url");
}

const decoded = (path: string): string =>
  path.includes("%")
    ? path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : path;

interface Entry<Value> {
  readonly key: string;
  readonly time: UnixMs;
  readonly value: Value;
  /** Milliseconds between it and what takes it, at most. */
  readonly apart: number;
}

/** Values that wait to be taken by their key and time. When there are too many, what has waited longest goes. */
class Waiting<Value> {
  readonly #limit: number;
  readonly #oldestFirst = new Set<Entry<Value>>();
  /** By key, in order of time. */
  readonly #byKey = new Map<string, Entry<Value>[]>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What had to go for it, or null. */
  add(key: string, time: UnixMs, value: Value, apart: number): Value | null {
    const entry = { key, time, value, apart };
    const sameKey = this.#byKey.get(key);
    if (sameKey === undefined) this.#byKey.set(key, [entry]);
    else sameKey.splice(firstAfter(sameKey, time), 0, entry);
    this.#oldestFirst.add(entry);
    if (this.#oldestFirst.size <= this.#limit) return null;
    const [oldest] = this.#oldestFirst;
    this.#remove(oldest!);
    return oldest!.value;
  }

  /** Takes the nearest in time, if there is one near enough. */
  take(key: string, time: UnixMs, apart: number): Value | null {
    const sameKey = this.#byKey.get(key);
    if (sameKey === undefined) return null;
    const after = firstAfter(sameKey, time);
    const distance = (entry: Entry<Value> | undefined): number =>
      entry === undefined ? Number.POSITIVE_INFINITY : Math.abs(entry.time - time);
    const nearest =
      distance(sameKey[after]) < distance(sameKey[after - 1]) ? sameKey[after] : sameKey[after - 1];
    if (nearest === undefined || distance(nearest) > Math.min(apart, nearest.apart)) return null;
    this.#remove(nearest);
    return nearest.value;
  }

  #remove(entry: Entry<Value>): void {
    this.#oldestFirst.delete(entry);
    const sameKey = this.#byKey.get(entry.key)!;
    if (sameKey.length === 1) this.#byKey.delete(entry.key);
    else sameKey.splice(sameKey.lastIndexOf(entry, firstAfter(sameKey, entry.time)), 1);
  }
}

/** The first position whose time is later; entries are in order of time. */
function firstAfter(entries: readonly Entry<unknown>[], time: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.time <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
