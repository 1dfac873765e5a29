/** What is wrong now, for the daemon's log and for people: put together from all parts of the daemon. */
import { hostname } from "node:os";
import type { Config } from "./config/schema.ts";
import type { Enforcement } from "./enforce/enforcement.ts";
import type { NamedRule } from "./evaluate/rule-schema.ts";
import type { FormerEnforcers } from "./former-enforcers.ts";
import type { Complaint, State } from "./ingest/messages.ts";
import type { Clock } from "./model/time.ts";
import type { Notifier, Sender } from "./notify/notifier.ts";
import { severityOf } from "./notify/severity.ts";
import type { DaemonLog } from "./observe/log.ts";
import type { Problem } from "./observe/problem-log.ts";
import { namedUrl } from "./serve/listen.ts";

/** Whose messages they are, and where a person looks. */
export const senderOf = ({ dashboard: { listen, hosts } }: Config): Sender => ({
  host: hostname(),
  dashboard: namedUrl(listen.port, hosts),
});

/** A complaint; where several of a kind can be wrong at once (channels, lists), `path` names the one. */
type About = Complaint & { readonly path?: string | null };

/** All that the ingestion thread complains of, and the rest. */
export function problemsNow({ sources, problems }: State, others: readonly (About | null)[]): Problem[] {
  const ofSources = sources.flatMap(({ path, problem }) => (problem === null ? [] : [{ ...problem, path }]));
  const general: readonly About[] = [...problems, ...others].filter((problem) => problem !== null);
  return [...general.map(told), ...ofSources];
}

/** Field by field: an error that is copied whole loses its message. */
const told = ({ code, message, hint, path = null }: About): Problem => ({ code, message, hint, path });

export const failedEnforcers = (
  parts: { readonly enforcement: Enforcement; readonly former: FormerEnforcers } | null,
): Complaint[] => [
  ...(parts?.enforcement.statuses() ?? []).flatMap(({ name, state, error, hint }) =>
    state === "failed"
      ? [{ code: `ENFORCER ${name}`, message: `enforcer ${name}: ${error}`, hint: hint ?? "sekisho check" }]
      : [],
  ),
  ...(parts?.former.problems() ?? []),
];

/** Channels that take no message. */
export const unsent = (notifier: Notifier | null): About[] =>
  (notifier?.statuses() ?? []).flatMap(({ name: path, problem }) =>
    problem === null ? [] : [{ code: problem.code, message: problem.message, hint: problem.hint, path }],
  );

/** Has channels told what the daemon's log is told. */
export function tellNotices(
  log: DaemonLog,
  notifier: Notifier,
  clock: Clock,
  rules: () => readonly NamedRule[],
): Disposable {
  const ofRule = (id: string) => rules().find((rule) => rule.id === id)?.spec.severity;
  log.listener = (signal, text, fields) =>
    notifier.tell({
      at: clock.now(),
      severity: severityOf(signal, fields, ofRule),
      signal,
      text,
      target: signal === "ban.decided" ? String(fields.target) : undefined,
    });
  return {
    [Symbol.dispose]: () => {
      log.listener = () => {};
    },
  };
}
