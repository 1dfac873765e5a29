import type { BucketSpec, Condition, ListReference, MatcherSpec } from "../evaluate/rule-schema.ts";
import { invalid } from "./document.ts";
import { nearest } from "./nearest.ts";
import { textListFiles } from "./rule-files.ts";
import type { Path } from "./schema-walk.ts";
import { readTextFile } from "./text-file.ts";

/** Lists of texts that rules share, by name: not the lists of addresses that are imported (src/lists/). */
export interface TextLists {
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** What texts of any list are called. */
  readonly names: ReadonlyMap<string, string>;
}

/** Says what is wrong, and at which key. */
export type Report = (path: Path, message: string) => void;

const isText = (line: string): boolean => line !== "" && !line.startsWith("#");
/** What stands before the name of a list's text. */
const NAME_MARK = "#:";

/**
 * The lists that rules share: NAME.txt with one literal a line; empty lines and lines that begin with # are left out. A line
 * that begins with #: is the name of the text below it. A missing folder has no lists. Throws RULE_INVALID or CONFIG_UNREADABLE.
 */
export function loadTextLists(folder: string): TextLists {
  const texts = new Map<string, readonly string[]>();
  const names = new Map<string, string>();
  const problems: string[] = [];
  for (const { file, id, wrong } of textListFiles(folder)) {
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
export function namesIn(matcher: MatcherSpec, names: TextLists["names"]): TextLists["names"] {
  const found = new Map<string, string>();
  const look = (value: unknown): void => {
    if (typeof value === "object" && value !== null) for (const each of Object.values(value)) look(each);
    const name = typeof value === "string" ? names.get(value) : undefined;
    if (name !== undefined) found.set(value as string, name);
  };
  if (names.size > 0) look(matcher);
  return found;
}

/** The matcher with each list's texts in place of its name, at any depth. A list that is unknown or empty is reported. */
export function withTexts(
  matcher: MatcherSpec,
  lists: TextLists,
  report: Report,
  path: Path = ["match"],
): MatcherSpec {
  const resolved = Object.entries(matcher).map(([key, value]) => {
    const here = [...path, key];
    if (value === undefined || key === "client") return [key, value];
    if (key === "not") return [key, withTexts(value as MatcherSpec, lists, report, here)];
    if (key === "all" || key === "any") {
      const parts = value as readonly MatcherSpec[];
      return [key, parts.map((part, index) => withTexts(part, lists, report, [...here, index]))];
    }
    return [key, resolvedCondition(value as Condition, lists, report, here)];
  });
  return Object.fromEntries(resolved) as MatcherSpec;
}

/** The bucket with the texts of lists in its matchers. */
export function bucketWithTexts(bucket: BucketSpec, lists: TextLists, report: Report): BucketSpec {
  if (bucket.kind === "ratio") {
    return { ...bucket, matching: withTexts(bucket.matching, lists, report, ["bucket", "matching"]) };
  }
  if (bucket.kind !== "sequence") return bucket;
  const resolved = (step: MatcherSpec, index: number): MatcherSpec =>
    withTexts(step, lists, report, ["bucket", "steps", index]);
  return { ...bucket, steps: bucket.steps.map(resolved) };
}

function resolvedCondition(condition: Condition, lists: TextLists, report: Report, path: Path): Condition {
  if (typeof condition !== "object" || Array.isArray(condition)) return condition;
  const resolved = Object.entries(condition).map(([key, value]) => {
    if (!isReference(value)) return [key, value];
    const texts = lists.texts.get(value.list) ?? [];
    if (texts.length === 0) report([...path, key, "list"], whatIsWrong(value.list, lists));
    return [key, texts];
  });
  return Object.fromEntries(resolved) as Condition;
}

const isReference = (value: unknown): value is ListReference =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function whatIsWrong(name: string, lists: TextLists): string {
  if (lists.texts.has(name))
    return `the list '${name}' is empty; write one text a line into lists/${name}.txt`;
  const near = nearest(name, lists.texts.keys());
  if (near !== null) return `there is no list '${name}'; did you mean ${near}?`;
  return `there is no list '${name}'; write one text a line into lists/${name}.txt beside the rules`;
}
