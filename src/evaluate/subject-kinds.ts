import type { LogEvent } from "../model/event.ts";
import { type Ip, isIpv4, network } from "../model/ip.ts";
import { keyOf, type SubjectKey, subjectOfKey } from "../model/subject-key.ts";
import { VALUE_LENGTH } from "./buckets/bucket.ts";
import type { FieldName } from "./fields.ts";

/** By what a rule may count, and which field of its events that needs. */
const SUBJECTS = {
  address: null,
  prefix: null,
  prefix48: null,
  vhost: "vhost",
  user: "user",
  code: "code",
  "address+vhost": "vhost",
  "address+user": "user",
} as const satisfies Readonly<Record<string, FieldName | null>>;

export type SubjectKind = keyof typeof SUBJECTS;
export const SUBJECT_KINDS = Object.keys(SUBJECTS) as [SubjectKind, ...SubjectKind[]];

/** The field that tells the subject beside the client; null where the client is enough. */
export const subjectField = (kind: SubjectKind): FieldName | null => SUBJECTS[kind];

/** Whether there is no address in it, so that nobody can be banned for it. */
export const isNameOnly = (kind: SubjectKind): boolean => (SUBJECTS[kind] as string | null) === kind;

/** Prefix lengths of the kinds that count many addresses as one. */
const PREFIXES: Partial<Record<SubjectKind, { readonly ipv4: number; readonly ipv6: number }>> = {
  prefix: { ipv4: 24, ipv6: 56 },
  prefix48: { ipv4: 24, ipv6: 48 },
};

type KeyReader = (event: LogEvent, client: Ip) => SubjectKey | null;

/**
 * Reads whom an event counts for; it is null where the line does not say so. Null for addresses, which the evaluator reads
 * once for all rules.
 */
export function keyReader(kind: SubjectKind): KeyReader | null {
  if (kind === "address") return null;
  const lengths = PREFIXES[kind];
  if (lengths !== undefined) {
    return (_event, client) => network(client, isIpv4(client) ? lengths.ipv4 : lengths.ipv6);
  }
  const field = SUBJECTS[kind];
  const hasAddress = !isNameOnly(kind);
  return (event, client) => {
    const name: unknown = Reflect.get(event, field!);
    if (typeof name !== "string" || name === "") return null;
    const named = `${field}=${name.slice(0, VALUE_LENGTH)}`;
    return hasAddress ? `${subjectOfKey(keyOf(client))} ${named}` : named;
  };
}
