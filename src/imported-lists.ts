/** Joins imported lists with the schedule, the thread that reads the logs, and who tells people. */
import { join } from "node:path";
import type { Config } from "./config/schema.ts";
import { protectedBy } from "./decide/protected.ts";
import type { IngestThread } from "./ingest/thread.ts";
import type { ListCheck } from "./lists/imported-list.ts";
import { Lists, type ListsOptions } from "./lists/lists.ts";
import type { Clock } from "./model/time.ts";
import { fetchList } from "./schedule/fetch-list.ts";
import type { Job } from "./schedule/scheduler.ts";
import type { Setup } from "./setup.ts";

/** Restarts that follow each other must not ask a source each time. */
const FRESH_MS = 15 * 60_000;

const SEPARATORS = { comma: ",", semicolon: ";", tab: "\t", bar: "|", space: " " } as const;

/** With the last good copies, before anything is enforced: a restart lifts nothing. */
export const loadLists = ({ config }: Pick<Setup, "config">, clock: Clock): Promise<Lists> =>
  Lists.load(listsOptions(config, clock));

/** For `sekisho check`: what would be taken, and what is wrong, without a network. */
export const checkLists = (config: Config, clock: Clock): Promise<readonly ListCheck[]> =>
  Lists.check(listsOptions(config, clock), AbortSignal.timeout(60_000));

const listsOptions = (config: Config, clock: Clock): ListsOptions => ({
  settings: config.lists.map((list) => ({ ...list, separator: SEPARATORS[list.separator] })),
  folder: join(config.data, "lists"),
  clock,
  // Whom people allow is spared from what a list has, and no reason to refuse it.
  own: () => protectedBy([], config.trustedProxies),
});

export const listJobs = (lists: Lists): Job[] =>
  lists.settings.map(({ name, schedule }) => fetchList(name, schedule, () => lists.refresh(name)));

/** From now on `lists` are fetched, and what changes is told. `isAsked`: a person wants them fetched now. */
export function follow(
  lists: Lists,
  thread: IngestThread,
  isAsked: boolean,
  changed: (what: "entries" | "status") => void,
): void {
  const tell = (): void => thread.post({ kind: "use-lists", lists: lists.forJudges() });
  lists.changed = (what) => {
    if (what === "entries") tell();
    changed(what);
  };
  // Those of the configuration before may have changed, and been told, while this one was taken up.
  if (isAsked) tell();
  void lists.refreshOlderThan(isAsked ? 0 : FRESH_MS);
}
