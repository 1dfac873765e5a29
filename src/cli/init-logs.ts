import { chooseLogs, type LogChoice, type ReadableLog } from "../apache-config/choose-logs.ts";
import type { AccessLog, ErrorLog } from "../apache-config/logs.ts";
import type { Server } from "../apache-config/servers.ts";
import type { Place } from "../apache-config/words.ts";
import { SekishoError } from "../model/errors.ts";
import { type FormatFitness, fitnessOf } from "../parse/format-fields.ts";
import { createParser } from "../parse/formats.ts";

/** A log that Apache writes, and what becomes of it. */
export interface PlannedLog {
  readonly kind: "access" | "error";
  /** Where it can be read, stars included; else what stands in Apache's configuration. */
  readonly path: string;
  /** For `format:`; null where that says nothing. */
  readonly format: string | null;
  readonly verdict: "read" | "left out" | "cannot be read";
  /** Why it is not read. */
  readonly why: string | null;
  readonly hint: string | null;
  readonly servers: readonly Server[];
  readonly place: Place | null;
}

interface JudgedLog {
  readonly log: AccessLog;
  readonly fitness: FormatFitness;
}

/** What becomes of Apache's logs, and which of them show what. */
export function planLogs(
  accessLogs: readonly AccessLog[],
  errorLogs: readonly ErrorLog[],
): { readonly logs: readonly PlannedLog[]; readonly choice: LogChoice } {
  const judged = accessLogs.map((log) => ({ log, fitness: fitnessOf(log.format) }));
  const choice = chooseLogs(judged.flatMap(readable));
  const access = plannedAccess(judged, choice);
  return { logs: [...access, ...plannedErrors(errorLogs, access)], choice };
}

function readable({ log, fitness }: JudgedLog): ReadableLog[] {
  if (log.target.kind !== "file" || !fitness.usable) return [];
  return [{ log, path: log.target.path, handshakes: fitness.handshakes, fields: fitness.fields }];
}

function plannedAccess(judged: readonly JudgedLog[], choice: LogChoice): PlannedLog[] {
  const instead = new Map(choice.leftOut.map((each) => [each.log.log, each.instead]));
  const chosen = new Map(choice.read.map((log) => [log.log, log]));
  return judged.flatMap(({ log, fitness }): PlannedLog[] => {
    const { target, servers, place } = log;
    const seen = { kind: "access" as const, format: null, servers, place };
    if (target.kind === "elsewhere") return [unreadable({ ...seen, path: log.written }, target)];
    const { path } = target;
    if (!fitness.usable) return [unreadable({ ...seen, path, format: log.format }, fitness)];
    const found = { ...seen, path, format: fitness.format };
    const other = instead.get(log);
    if (other !== undefined) return [leftOut(found, `has the same requests as ${other.path}`)];
    // Several vhosts may write one file: it is one entry.
    const read = chosen.get(log);
    return read === undefined ? [] : [wouldRead({ ...found, servers: read.servers })];
  });
}

function plannedErrors(logs: readonly ErrorLog[], access: readonly PlannedLog[]): PlannedLog[] {
  const taken = new Set(access.flatMap(({ verdict, path }) => (verdict === "read" ? [path] : [])));
  return logs.map(({ written, target, format, servers, place }): PlannedLog => {
    const seen = { kind: "error" as const, format, servers, place };
    if (target.kind === "elsewhere") return unreadable({ ...seen, path: written }, target);
    const found = { ...seen, path: target.path };
    if (taken.has(found.path)) return leftOut(found, "is read already");
    const unfit = format === null ? null : errorFormatProblem(format);
    if (unfit !== null) return unreadable(found, { why: unfit.message, hint: unfit.hint });
    taken.add(found.path);
    return wouldRead(found);
  });
}

type FoundLog = Omit<PlannedLog, "verdict" | "why" | "hint">;

const wouldRead = (log: FoundLog): PlannedLog => ({ ...log, verdict: "read", why: null, hint: null });
const leftOut = (log: FoundLog, why: string): PlannedLog => ({
  ...log,
  verdict: "left out",
  why,
  hint: null,
});
const unreadable = (
  log: FoundLog,
  { why, hint }: { readonly why: string; readonly hint: string },
): PlannedLog => ({ ...log, verdict: "cannot be read", why, hint });

function errorFormatProblem(format: string): SekishoError | null {
  try {
    createParser("error", format, null);
    return null;
  } catch (error) {
    if (error instanceof SekishoError) return error;
    throw error;
  }
}
