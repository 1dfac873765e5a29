import { readdirSync } from "node:fs";
import { accessHint, isReadable } from "../config/discover.ts";
import { systemCode } from "../model/errors.ts";
import { logPattern, matchingFiles } from "../tail/log-pattern.ts";
import type { Note } from "./init-notes.ts";
import { type InitPlan, logsToRead } from "./init-plan.ts";

/** Logs that this user cannot read, or that are not there. One note for all that have one remedy. */
export function readingNotes(plan: InitPlan): Note[] {
  const notes = new Map<string, Note>();
  for (const { path, place } of logsToRead(plan)) {
    const found = readingProblem(path);
    if (found !== null && !notes.has(found.key)) notes.set(found.key, { place, ...found });
  }
  return [...notes.values()].map(({ place, message, hint }) => ({ place, message, hint }));
}

interface ReadingProblem {
  /** Equal where one remedy is for all. */
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

function readingProblem(path: string): ReadingProblem | null {
  const pattern = logPattern(path);
  try {
    readdirSync(pattern.directory);
  } catch (error) {
    return systemCode(error) === "ENOENT" ? absent(pattern.directory) : closed(pattern.directory);
  }
  const files = matchingFiles(pattern);
  if (files.length === 0) return absent(path);
  const unreadable = files.find((file) => !isReadable(file));
  return unreadable === undefined ? null : closed(unreadable);
}

const absent = (path: string): ReadingProblem => ({
  key: path,
  message: `${path} is not there yet`,
  hint: "Apache makes its logs when it starts; a log that appears later is found while Sekisho runs",
});

function closed(path: string): ReadingProblem {
  const hint = accessHint(path);
  return { key: hint, message: `this user may not read ${path}`, hint };
}
