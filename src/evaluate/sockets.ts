import { createHash } from "node:crypto";
import type { AccessEvent, ErrorEvent, LogEvent, OpeningEvent, SourceId } from "../model/event.ts";
import { type Subject, subjectOf } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import { maskField, maskSecrets } from "../model/secrets.ts";
import type { SocketChange, SocketEnd, SocketId, UnendedSocket } from "../model/socket.ts";
import type { UnixMs } from "../model/time.ts";
import { OpenCounts, type OpenSocket } from "./open-counts.ts";
import { isHandshake } from "./read-field.ts";

/** An access line's time is when the request line came, the opening's when all headers had. Apache waits 40 s for them. */
const HEADERS_MS = 60_000;
/** The same for an end that is read before its opening, or of a handshake that was refused: what fits by chance hides nothing. */
const HEADERS_UNSURE_MS = 2_000;
/** Between request line and opening, where the line does not say how long the request took. */
const UNTOLD_MS = 1_000;
/** Times are rounded, each in its own way. */
const ROUNDED_MS = 5;
/** Of one client's lines that are alike so many are looked at: who sends more has some of them judged twice. */
const MAX_LOOKED_AT = 64;
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
 * thing from the same page, and the opening lies within the time that the request took; of several the nearest is taken,
 * so that each line is used once and counts are right.
 *
 * Apache may refuse a handshake before it tells of an opening, so the end of a refused one may have none. It therefore
 * never keeps an opening from being judged: where in doubt, a handshake is judged twice.
 */
export class Sockets {
  readonly #open: Waiting<OpenSocket>;
  readonly #counts = new OpenCounts();
  /** Logs of which the end of a socket has been read since the start: where ends are in a log that nobody reads, none is counted. */
  readonly #endsRead = new Set<SourceId>();
  readonly #ends: Waiting<AskedEnd>;
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
    for (const { key, openedAt, id, client, open } of unended) {
      const socket = { id, subject: subjectOf(client), source: null };
      const crowdedOut = this.#open.add({ key, time: openedAt, page: undefined, value: socket });
      if (open) this.#counts.add(socket, openedAt);
      if (crowdedOut !== null) this.#counts.remove(crowdedOut);
      this.#told = true;
    }
  }

  /** Marks the second line of each socket, and tells what became of them. */
  follow(events: readonly LogEvent[]): SocketChange[] {
    const changes: SocketChange[] = [];
    for (const event of events) {
      if (event.kind === "access") {
        if (this.#isEnd(event)) this.#end(event, changes);
      } else if (event.kind === "opening") this.#opening(event, changes);
      else if (event.kind === "error" && isOfServer(event)) this.#server(event, changes);
    }
    return changes;
  }

  /** Passes stored events on, and takes from them the ends whose opening has not been seen. */
  *recalled<Batch extends { readonly events: readonly LogEvent[] }>(
    batches: Iterable<Batch>,
  ): Generator<Batch> {
    for (const batch of batches) {
      for (const event of batch.events) {
        if (event.kind === "opening" && event.second) this.#takeEnd(event);
        if (event.kind === "opening") this.#told = true;
        if (event.kind === "access" && !event.second && this.#isEnd(event)) this.#ends.add(askedEnd(event));
      }
      yield batch;
    }
  }

  /**
   * A log without Upgrade shows a handshake that the app refused like any other request; where openings are told, a
   * refusal at the same moment is theirs.
   */
  #isEnd(event: AccessEvent): boolean {
    if (event.refused) return false;
    return isHandshake(event) || (this.#told && event.upgrade === undefined && event.status >= 400);
  }

  #opening(event: OpeningEvent, changes: SocketChange[]): void {
    this.#told = true;
    const id = this.#nextId++;
    const key = keyOf(event);
    changes.push({ kind: "opened", id, key, event });
    const asked = this.#takeEnd(event);
    if (asked !== null) {
      event.second = asked.judged;
      this.#endsRead.add(event.source);
      changes.push({ kind: "closed", id, end: asked.end });
      return;
    }
    if (event.time < this.#lostBefore) changes.push({ kind: "lost", openedBefore: this.#lostBefore });
    const { source } = event;
    const socket = { id, subject: detached(subjectOf(event.client)) as Subject, source };
    const crowdedOut = this.#open.add({ key, time: event.time, page: pageOf(event), value: socket });
    if (event.time >= this.#lostBefore) {
      const open = this.#counts.add(socket, event.time);
      if (this.#endsRead.has(source)) event.openSockets = open;
    }
    if (crowdedOut === null) return;
    this.#counts.remove(crowdedOut);
    changes.push({ kind: "given-up", id: crowdedOut.id });
  }

  #takeEnd(event: OpeningEvent): AskedEnd | null {
    return this.#ends.take(
      { key: keyOf(event), time: event.time, page: pageOf(event) },
      HEADERS_UNSURE_MS,
      ({ value }) => isWithin(event.time, value.end, HEADERS_UNSURE_MS),
    );
  }

  #end(event: AccessEvent, changes: SocketChange[]): void {
    const entry = askedEnd(event);
    const { end } = entry.value;
    const headers = isAccepted(event) ? HEADERS_MS : HEADERS_UNSURE_MS;
    const socket = this.#open.take(entry, headers, ({ time }) => isWithin(time, end, headers));
    if (socket === null) {
      this.#ends.add(entry);
      return;
    }
    event.second = true;
    this.#counts.remove(socket);
    if (socket.source !== null) this.#endsRead.add(socket.source);
    changes.push({ kind: "closed", id: socket.id, end });
  }

  #server({ code, source, time }: ErrorEvent, changes: SocketChange[]): void {
    if (GRACEFUL.has(code!)) this.#reloading.add(source);
    else if (STOPPED.has(code!) || (STARTED.has(code!) && !this.#reloading.delete(source))) {
      if (time > this.#lostBefore) this.#lostBefore = time;
      // They stay in memory: where two Apaches are watched, a line may yet come, and must not be judged again.
      this.#counts.removeBefore(time);
      changes.push({ kind: "lost", openedBefore: time });
    }
  }
}

/** Scripts log to the same file, and may begin with what a client sent; but their lines name the client or another module. */
const isOfServer = ({ client, module, code }: ErrorEvent): boolean =>
  code !== null && client === null && (module === null || module.startsWith("mpm_"));

const isAccepted = ({ status }: Pick<AccessEvent, "status">): boolean => status === 101;

/** Whether an opening of that time may be of the request whose end is told, with up to `headers` ms until all had come. */
function isWithin(opened: UnixMs, { openedAt, durationUs }: SocketEnd, headers: number): boolean {
  const took = durationUs === undefined ? UNTOLD_MS : Math.min(durationUs / 1_000, headers);
  const from = openedAt - ROUNDED_MS;
  const until = openedAt + unshown(openedAt) + took + ROUNDED_MS;
  return opened + unshown(opened) >= from && opened <= until;
}

/** A time in whole seconds may be anywhere in its second. */
const unshown = (time: UnixMs): number => (time % 1_000 === 0 ? 999 : 0);

/** An end that waits for its opening. */
interface AskedEnd {
  readonly end: SocketEnd;
  /** Whether it told all that the opening will, of a socket that was there: then that is judged already. */
  readonly judged: boolean;
}

const askedEnd = (event: AccessEvent): Entry<AskedEnd> => ({
  key: keyOf(event),
  time: event.time,
  page: pageOf(event),
  value: { end: endOf(event), judged: isAccepted(event) && event.origin !== undefined },
});

/** Where the socket came from and to; undefined where the log does not show it. */
const pageOf = ({ origin, host }: AccessEvent | OpeningEvent): string | undefined =>
  origin === undefined || host === undefined ? undefined : digest(`${origin ?? ""} ${host ?? ""}`);

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
  return digest(asked);
}

const digest = (text: string): string => createHash("sha1").update(text).digest("base64url");

const decoded = (path: string): string =>
  path.includes("%")
    ? path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : path;

/** What one line says of its socket. */
interface Clue {
  readonly key: string;
  readonly time: UnixMs;
  readonly page: string | undefined;
}

interface Entry<Value> extends Clue {
  readonly value: Value;
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
  add(entry: Entry<Value>): Value | null {
    const sameKey = this.#byKey.get(entry.key);
    if (sameKey === undefined) this.#byKey.set(entry.key, [entry]);
    else sameKey.splice(firstAfter(sameKey, entry.time), 0, entry);
    this.#oldestFirst.add(entry);
    if (this.#oldestFirst.size <= this.#limit) return null;
    const [oldest] = this.#oldestFirst;
    this.#remove(oldest!);
    return oldest!.value;
  }

  /** Takes the nearest in time of those that fit, none of which is further than `apart` and what clocks leave out. */
  take(clue: Clue, apart: number, fits: (entry: Entry<Value>) => boolean): Value | null {
    const sameKey = this.#byKey.get(clue.key);
    if (sameKey === undefined) return null;
    let after = firstAfter(sameKey, clue.time);
    let before = after - 1;
    const distance = (entry: Entry<Value> | undefined): number =>
      entry === undefined ? Number.POSITIVE_INFINITY : Math.abs(entry.time - clue.time);
    for (let looked = 0; looked < MAX_LOOKED_AT; looked++) {
      const nearest =
        distance(sameKey[after]) < distance(sameKey[before]) ? sameKey[after++] : sameKey[before--];
      if (nearest === undefined || distance(nearest) > apart + 2_000) return null;
      if (!isSamePage(nearest, clue) || !fits(nearest)) continue;
      this.#remove(nearest);
      return nearest.value;
    }
    return null;
  }

  #remove(entry: Entry<Value>): void {
    this.#oldestFirst.delete(entry);
    const sameKey = this.#byKey.get(entry.key)!;
    if (sameKey.length === 1) this.#byKey.delete(entry.key);
    else sameKey.splice(sameKey.lastIndexOf(entry, firstAfter(sameKey, entry.time)), 1);
  }
}

const isSamePage = (one: Clue, other: Clue): boolean =>
  one.page === undefined || other.page === undefined || one.page === other.page;

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
