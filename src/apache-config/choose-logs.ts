import type { AccessLog } from "./logs.ts";
import type { Server } from "./servers.ts";

/** An access log that Sekisho could read. */
export interface ReadableLog {
  readonly log: AccessLog;
  readonly path: string;
  /** Its format shows Origin and Upgrade. */
  readonly handshakes: boolean;
  /** How many fields of an event its format fills. */
  readonly fields: number;
}

/** A file that is read, as `log` says, with the requests of `servers`. */
export interface ChosenLog extends ReadableLog {
  readonly servers: readonly Server[];
}

export interface LogChoice {
  readonly read: readonly ChosenLog[];
  /** `instead` is read and has the same requests. */
  readonly leftOut: readonly { readonly log: ReadableLog; readonly instead: ReadableLog }[];
  /** Files that are read and lack requests of a server that are in no other: those that do not meet the condition. */
  readonly partial: readonly { readonly log: ReadableLog; readonly condition: string }[];
  /** Files that one server writes each of its requests to twice. */
  readonly doubled: readonly ReadableLog[];
  /** Logs that write another format into a file that is read. */
  readonly mixed: readonly { readonly log: ReadableLog; readonly as: ReadableLog }[];
}

/** A file with all that is logged into it. `lead` is what it is read as. */
interface Candidate {
  readonly lead: ReadableLog;
  readonly logs: readonly ReadableLog[];
  /** Whose requests are in it; null: all of them, else those that meet the condition. */
  readonly conditions: ReadonlyMap<Server, string | null>;
  readonly complete: number;
}

/**
 * Of several logs that hold the same requests one is read, since a request that is read twice counts twice. First that no
 * server goes unread, then that the log shows as much as it can.
 */
export function chooseLogs(logs: readonly ReadableLog[]): LogChoice {
  const byPath = Map.groupBy(logs, ({ path }) => path);
  const candidates = [...byPath.values()].map(candidateOf);
  const widest = pick(candidates.toSorted((a, b) => first(a, b) || b.complete - a.complete || richer(a, b)));
  const richest = pick(candidates.toSorted((a, b) => first(a, b) || richer(a, b) || b.complete - a.complete));
  const best = covered(richest) >= covered(widest) ? richest : widest;
  return {
    read: best.taken.map(({ lead, conditions }) => ({ ...lead, servers: [...conditions.keys()] })),
    leftOut: best.leftOut.flatMap(({ candidate, instead }) =>
      candidate.logs.map((log) => ({ log, instead: instead.lead })),
    ),
    partial: [
      ...new Map(best.partial.map(({ lead, condition }) => [lead, { log: lead, condition }])).values(),
    ],
    doubled: best.taken.filter(isDoubled).map(({ lead }) => lead),
    mixed: best.taken.flatMap(({ lead, logs: all }) =>
      all.filter(({ log }) => log.format !== lead.log.format).map((log) => ({ log, as: lead })),
    ),
  };
}

function candidateOf(logs: readonly ReadableLog[]): Candidate {
  const conditions = new Map<Server, string | null>();
  for (const { log } of logs) {
    for (const server of log.servers) {
      const before = conditions.get(server);
      const whole = before !== undefined && (before === null || areOpposite(before, log.condition));
      conditions.set(server, whole ? null : log.condition);
    }
  }
  const lead = logs.reduce((a, b) => (b.log.servers.length > a.log.servers.length ? b : a));
  const complete = [...conditions.values()].filter((condition) => condition === null).length;
  return { lead, logs, conditions, complete };
}

/** What `sekisho apache snippet` proposes: in every server, with all that the rules look at. */
const isProposed = ({ lead }: Candidate): boolean =>
  lead.log.global && lead.log.condition === null && lead.handshakes;
const first = (a: Candidate, b: Candidate): number => Number(isProposed(b)) - Number(isProposed(a));

const richer = (a: Candidate, b: Candidate): number =>
  Number(b.complete > 0) - Number(a.complete > 0) ||
  Number(b.lead.handshakes) - Number(a.lead.handshakes) ||
  b.lead.fields - a.lead.fields;

interface Picked {
  readonly taken: readonly Candidate[];
  readonly leftOut: readonly { readonly candidate: Candidate; readonly instead: Candidate }[];
  /** Servers of which something is read. */
  readonly servers: number;
  /** Of each server not all of whose requests are read, the file that has some of them, and which. */
  readonly partial: readonly { readonly lead: ReadableLog; readonly condition: string }[];
}

/** Servers all of whose requests are read. */
const covered = ({ servers, partial }: Picked): number => servers - partial.length;

/** Takes one after the other unless what is taken already has some of its requests. */
function pick(candidates: readonly Candidate[]): Picked {
  const taken: Candidate[] = [];
  const leftOut: { candidate: Candidate; instead: Candidate }[] = [];
  const readers = new Map<Server, Candidate[]>();
  for (const candidate of candidates) {
    const instead = overlapping(candidate, readers);
    if (instead !== null) {
      leftOut.push({ candidate, instead });
      continue;
    }
    taken.push(candidate);
    for (const server of candidate.conditions.keys())
      readers.set(server, [...(readers.get(server) ?? []), candidate]);
  }
  // Two that do not overlap have opposite conditions, and so everything between them.
  const partial = [...readers].flatMap(([server, [one, other]]) => {
    const condition = other === undefined ? one!.conditions.get(server)! : null;
    return condition === null ? [] : [{ lead: one!.lead, condition }];
  });
  return { taken, leftOut, servers: readers.size, partial };
}

function overlapping(
  candidate: Candidate,
  readers: ReadonlyMap<Server, readonly Candidate[]>,
): Candidate | null {
  for (const [server, condition] of candidate.conditions)
    for (const other of readers.get(server) ?? [])
      if (!areOpposite(condition, other.conditions.get(server)!)) return other;
  return null;
}

/** `env=x` and `env=!x`: no request is in both logs. */
const areOpposite = (a: string | null, b: string | null): boolean =>
  a !== null && b !== null && a !== b && /^env=/i.test(a) && a.replace(/=!?/, "=") === b.replace(/=!?/, "=");

function isDoubled({ logs }: Candidate): boolean {
  const seen = new Set<Server>();
  return logs.some(({ log }) => {
    if (log.condition !== null) return false;
    const again = log.servers.some((server) => seen.has(server));
    for (const server of log.servers) seen.add(server);
    return again;
  });
}
