import { readdirSync } from "node:fs";
import { join } from "node:path";
import { FIELDS } from "../evaluate/fields.ts";
import { type MatcherSpec, type NamedRule, type RuleSpec, ruleSchema } from "../evaluate/rule-schema.ts";
import { subjectField } from "../evaluate/subject-kinds.ts";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { checkYaml, invalid } from "./document.ts";
import { bucketWithLists, withLists } from "./rule-lists.ts";
import type { Path } from "./schema-walk.ts";
import { readFailure, readTextFile } from "./text-file.ts";

/** What a rule or list may be called: it appears in reports, addresses and file names. */
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/**
 * Every rule of a folder, sorted by id, with the texts of the folder's `lists/` in place of their names. The file's name
 * without `.yaml` is the id; hidden files are left alone.
 * Throws RULE_INVALID with the problems of all files, or CONFIG_UNREADABLE.
 */
export function loadRules(folder: string): NamedRule[] {
  const rules: NamedRule[] = [];
  const problems: string[] = [];
  const lists = loadLists(join(folder, "lists"));
  for (const { file, id, wrong } of filesIn(folder, ".yaml", [".yml", ".json"])) {
    const document = checkYaml(file, readTextFile(file, "RULE_INVALID"), ruleSchema);
    problems.push(...(wrong === null ? [] : [wrong]), ...document.problems);
    if (document.value === null) continue;
    problems.push(...fieldProblems(document.value, document.problem));
    const report = (path: Path, message: string) => problems.push(document.problem(path, message));
    const match = withLists(document.value.match, lists, report);
    const bucket = bucketWithLists(document.value.bucket, lists, report);
    rules.push({ id, spec: { ...document.value, match, bucket } });
  }
  if (problems.length > 0) throw invalid("RULE_INVALID", problems);
  return rules;
}

/** What one key alone cannot tell: fields that the rule's kind of event does not have. */
function fieldProblems(spec: RuleSpec, problem: (path: Path, message: string) => string): string[] {
  const known: readonly string[] = FIELDS[spec.events];
  const asked = [...fieldPaths(spec.match, ["match"])];
  const { bucket, subject } = spec;
  const nameField = subjectField(subject);
  if (nameField !== null) asked.push({ field: nameField, path: ["subject"] });
  if (bucket.kind === "distinct" && bucket.of !== "client")
    asked.push({ field: bucket.of, path: ["bucket", "of"] });
  if (bucket.kind === "ratio") asked.push(...fieldPaths(bucket.matching, ["bucket", "matching"]));
  if (bucket.kind === "sequence") {
    for (const [index, step] of bucket.steps.entries()) {
      asked.push(...fieldPaths(step, ["bucket", "steps", index]));
    }
  }
  return asked
    .filter(({ field }) => !known.includes(field))
    .map(({ field, path }) =>
      problem(path, `events of kind ${spec.events} have no field ${field}; known are ${known.join(", ")}`),
    );
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
 * The lists that rules share: NAME.txt with one literal a line; empty lines and lines that begin with # are left out.
 * A missing folder has no lists. Throws RULE_INVALID or CONFIG_UNREADABLE.
 */
export function loadLists(folder: string): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, readonly string[]>();
  const problems: string[] = [];
  for (const { file, id, wrong } of filesIn(folder, ".txt", [".list"], true)) {
    if (wrong !== null) problems.push(wrong);
    const lines = readTextFile(file, "RULE_INVALID").split("\n");
    lists.set(id, [
      ...new Set(lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"))),
    ]);
  }
  if (problems.length > 0) throw invalid("RULE_INVALID", problems);
  return lists;
}

interface NamedFile {
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
): NamedFile[] {
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
