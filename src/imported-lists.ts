/** Joins imported lists with the schedule, the thread that reads the logs, and who tells people. */
import { join } from "node:path";
import type { IngestThread } from "./ingest/thread.ts";
import { Lists } from "./lists/lists.ts";
import type { Clock } from "./model/time.ts";
import { fetchList } from "./schedule/fetch-list.ts";
import type { Job } from "./schedule/scheduler.ts";
import type { Setup } from "./setup.ts";

/** Restarts that follow each other must not ask a source each time. */
const FRESH_MS = 15 * 60_000;

const SEPARATORS = { comma: ",", semicolon: ";", tab: "\t", bar: "|", space: " " } as const;

/** With the last good copies, before anything is enforced: a restart lifts nothing. */
export const loadLists = ({ config }: Setup, clock: Clock): Promise<Lists> =>
  Lists.load({
    settings: config.lists.map((list) => ({ ...list, separator: SEPARATORS[list.separator] })),
    folder: join(config.data, "lists"),
    clock,
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
  lists.changed = (what) => {
    if (what === "entries") {
      // A thread that has ended has said so itself.
      thread.request<"use-lists">({ kind: "use-lists", lists: lists.forJudges() }).catch(() => {});
    }
    changed(what);
  };
  void lists.refreshOlderThan(isAsked ? 0 : FRESH_MS);
}
