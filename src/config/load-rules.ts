import { readdirSync } from "node:fs";
import { join } from "node:path";
import { FIELDS } from "../evaluate/fields.ts";
import type { MatcherSpec, RuleSpec } from "../evaluate/rule-schema.ts";
import { subjectField } from "../evaluate/subject-kinds.ts";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import type { SourceKind } from "../model/event.ts";
import { invalid } from "./document.ts";
import { bucketWithLists, withLists } from "./rule-lists.ts";
import type { Path } from "./schema-walk.ts";
import { readFailure, readTextFile } from "./text-file.ts";

/** What a rule or list may be called: it appears in reports, addresses and file names. */
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

export interface Lists {
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** What texts of any list are called. */
  readonly names: ReadonlyMap<string, string>;
}
type Report = (path: Path, message: string) => void;

const isText = (line: string): boolean => line !== "" && !line.startsWith("#");
/** What stands before the name of a list's text. */
const NAME_MARK = "#:";

/** The files of a folder's rules, sorted by id: the file's name without `.yaml`. Hidden files are left alone. */
export const ruleFiles = (folder: string): RuleFile[] => filesIn(folder, ".yaml", [".yml", ".json"]);

/**
 * A rule with the texts of lists in place of their names. Reported is what one key alone cannot tell: fields that the rule's
 * kind of event does not have, and lists that there are not.
 */
export function completeRule(spec: RuleSpec, lists: Lists, report: Report): RuleSpec {
  const { bucket, subject, events } = spec;
  const known: readonly string[] = FIELDS[events];
  fieldsUnknownTo(events, spec.match, ["match"], report);
  const nameField = subjectField(subject);
  if (nameField !== null && !known.includes(nameField)) report(["subject"], noField(events, nameField));
  if (bucket.kind === "distinct" && bucket.of !== "client" && !known.includes(bucket.of))
    report(["bucket", "of"], noField(events, bucket.of));
  if (bucket.kind === "ratio") fieldsUnknownTo(events, bucket.matching, ["bucket", "matching"], report);
  if (bucket.kind === "sequence") {
    for (const [index, step] of bucket.steps.entries())
      fieldsUnknownTo(events, step, ["bucket", "steps", index], report);
  }
  const { unless } = spec;
  if (unless !== undefined) fieldsUnknownTo(events, unless.match, ["unless", "match"], report);
  return {
    ...spec,
    ...(unless && {
      unless: { ...unless, match: withLists(unless.match, lists, report, ["unless", "match"]) },
    }),
    match: withLists(spec.match, lists, report),
    bucket: bucketWithLists(bucket, lists, report),
  };
}

const noField = (events: SourceKind, field: string): string =>
  `events of kind ${events} have no field ${field}; known are ${FIELDS[events].join(", ")}`;

/** Reports each field of a matcher that the kind of event does not have. */
export function fieldsUnknownTo(events: SourceKind, matcher: MatcherSpec, at: Path, report: Report): void {
  const known: readonly string[] = FIELDS[events];
  for (const { field, path } of fieldPaths(matcher, at))
    if (!known.includes(field)) report(path, noField(events, field));
}

/** Every field that a matcher reads, at any depth, and where it stands. */
function* fieldPaths(
  matcher: MatcherSpec,
  path: Path,
): Iterable<{ readonly field: string; readonly path: Path }> {
  for (const [key, value] of Object.entries(matcher)) {
    if (value === undefined || key === "client") continue;
    if (key === "not") yield* fieldPaths(value as MatcherSpec, [...path, key]);
    else if (key === "all" || key === "any") {
      for (const [index, each] of (value as readonly MatcherSpec[]).entries()) {
        yield* fieldPaths(each, [...path, key, index]);
      }
    } else yield { field: key, path: [...path, key] };
  }
}

/**
 * The lists that rules share: NAME.txt with one literal a line; empty lines and lines that begin with # are left out. A line
 * that begins with #: is the name of the text below it. A missing folder has no lists. Throws RULE_INVALID or CONFIG_UNREADABLE.
 */
export function loadLists(folder: string): Lists {
  const texts = new Map<string, readonly string[]>();
  const names = new Map<string, string>();
  const problems: string[] = [];
  for (const { file, id, wrong } of filesIn(folder, ".txt", [".list"], true)) {
    if (wrong !== null) problems.push(wrong);
    const lines = readTextFile(file, "RULE_INVALID")
      .split("\n")
      .map((line) => line.trim());
    texts.set(id, [...new Set(lines.filter(isText))]);
    lines.forEach((line, index) => {
      const above = lines[index - 1];
      if (isText(line) && above?.startsWith(NAME_MARK)) names.set(line, above.slice(NAME_MARK.length).trim());
    });
  }
  if (problems.length > 0) throw invalid("RULE_INVALID", problems);
  return { texts, names };
}

/** Those of the names whose texts a matcher looks for, at whatever depth. */
export function namesIn(matcher: MatcherSpec, names: Lists["names"]): Lists["names"] {
  const found = new Map<string, string>();
  const look = (value: unknown): void => {
    if (typeof value === "object" && value !== null) for (const each of Object.values(value)) look(each);
    const name = typeof value === "string" ? names.get(value) : undefined;
    if (name !== undefined) found.set(value as string, name);
  };
  if (names.size > 0) look(matcher);
  return found;
}

/** A file that is named after what it holds. */
export interface RuleFile {
  readonly file: string;
  readonly id: string;
  readonly wrong: string | null;
}

/** Files with the ending, sorted by id. One with a `mistaken` ending is reported: it would be left out in silence. */
function filesIn(
  folder: string,
  ending: string,
  mistaken: readonly string[],
  mayBeMissing = false,
): RuleFile[] {
  const names = entries(folder, mayBeMissing).filter((name) => !name.startsWith("."));
  const wrongEnding = names.find((name) => mistaken.some((each) => name.endsWith(each)));
  if (wrongEnding !== undefined) {
    const renamed = wrongEnding.replace(/\.[^.]+$/, ending);
    throw invalid("RULE_INVALID", [
      `${join(folder, wrongEnding)}: would not be read; rename it to ${renamed}`,
    ]);
  }
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => ({ name, id: name.slice(0, -ending.length) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ name, id }) => {
      const file = join(folder, name);
      const advice = `use lower-case letters, digits and dashes, as in repeated-403${ending}`;
      return { file, id, wrong: NAME.test(id) ? null : `${file}: '${id}' cannot be a name; ${advice}` };
    });
}

function entries(folder: string, mayBeMissing: boolean): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const code = systemCode(error);
    if (mayBeMissing && code === "ENOENT") return [];
    const [reason, hint] =
      code === "ENOTDIR"
        ? ["is not a folder", "name the folder that holds the files"]
        : readFailure(code, folder);
    const said = code === "ENOENT" ? "there is no such folder" : (reason ?? messageOf(error));
    throw new SekishoError("CONFIG_UNREADABLE", `${folder}: ${said}`, hint, { cause: error });
  }
}
