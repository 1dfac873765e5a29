import { join } from "node:path";
import { type MatcherSpec, type NamedRule, type RuleSpec, ruleSchema } from "../evaluate/rule-schema.ts";
import { completeRule, fieldsUnknownTo } from "./complete-rule.ts";
import { type CheckedDocument, checkYaml, invalid } from "./document.ts";
import { nearest } from "./nearest.ts";
import { type Override, overrideSchema } from "./override-schema.ts";
import { hashOfText, type ParsedRule, type ParsedRules } from "./parsed-rules.ts";
import { problemsOf } from "./problems.ts";
import { type RuleFile, ruleFiles } from "./rule-files.ts";
import { readTextFile } from "./text-file.ts";
import { loadTextLists, namesIn, type TextLists, withTexts } from "./text-lists.ts";

/** What a file of rules.d does. */
export interface SiteRule {
  readonly id: string;
  readonly file: string;
  readonly kind: "added" | "changed";
  /** What it changes, as in `bucket.count 20, was 10`. */
  readonly changes: readonly string[];
}

export interface RuleSet {
  /** Sorted by id, also those that are off. */
  readonly rules: readonly NamedRule[];
  readonly site: readonly SiteRule[];
}

interface Known extends NamedRule {
  /** What the file says, before its texts were read. */
  readonly raw: Record<string, unknown>;
}

/**
 * The rules of a folder, with those that the site adds and what it changes: a file of `siteFolder` with the name of a rule
 * changes that rule, any other is a rule. `parsed`: what need not be parsed again. Throws RULE_INVALID with the problems of all files, or CONFIG_UNREADABLE.
 */
export function loadRuleSet(
  folder: string,
  siteFolder: string | null = null,
  parsed: ParsedRules = new Map(),
): RuleSet {
  const problems: string[] = [];
  const files = ruleFiles(folder);
  const lists = loadTextLists(join(folder, "lists"));
  const shipped = shippedRules(files, lists, problems, parsed);
  const own = siteFolder === null ? [] : siteRules(siteFolder, shipped, lists, problems);
  const rules = new Map([...shipped, ...own.map(({ rule }) => [rule.id, rule] as const)]);
  for (const rule of rules.values()) {
    const problem = whileProblem(rule, rules);
    if (problem !== null) problems.push(`rule ${rule.id}: while.rule: ${problem}`);
  }
  if (problems.length > 0) throw invalid("RULE_INVALID", problems);
  const inOrder = [...rules.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    rules: inOrder.map(({ id, spec, names }) => ({ id, spec, names })),
    site: own.map(({ site }) => site),
  };
}

type Rules = ReadonlyMap<string, Known>;

/** By id. Throws RULE_INVALID for rules that came with an update whose program was not built. */
function shippedRules(
  files: readonly RuleFile[],
  lists: TextLists,
  problems: string[],
  parsed: ParsedRules,
): Rules {
  const rules = new Map<string, Known>();
  for (const file of files) {
    const rule = newRule(file, lists, problems, parsed);
    if (rule !== null) rules.set(file.id, rule);
  }
  // Whoever pulled the source and built nothing is told so, and not that rules are wrong which are not theirs.
  if (problems.length > 0 && isNewer(files, parsed))
    throw invalid(
      "RULE_INVALID",
      problems,
      "if an update brought them, build the program that reads them: npm ci; else: ",
    );
  return rules;
}

/** What the site adds and changes. */
function siteRules(
  folder: string,
  shipped: Rules,
  shippedLists: TextLists,
  problems: string[],
): { readonly rule: Known; readonly site: SiteRule }[] {
  const lists = joined(shippedLists, loadTextLists(join(folder, "lists")));
  return ruleFiles(folder).flatMap((file) => {
    const known = shipped.get(file.id);
    const rule =
      known === undefined
        ? addedRule(file, [...shipped.keys()], lists, problems)
        : changedRule(file, known, lists, problems);
    if (rule === null) return [];
    const change =
      known === undefined
        ? ({ kind: "added", changes: [] } as const)
        : ({ kind: "changed", changes: changesOf(rule.changed ?? {}, known.raw) } as const);
    return [{ rule, site: { id: file.id, file: file.file, ...change } }];
  });
}

/** Whether these are the rules that the program was built with, but for some that were changed since. */
function isNewer(files: readonly RuleFile[], parsed: ParsedRules): boolean {
  const built = files.filter(({ file }) => parsed.has(hashOfText(readTextFile(file, "RULE_INVALID"))));
  return built.length > 0 && built.length < files.length;
}

/** A site's list takes the place of a shipped one. */
const joined = (shipped: TextLists, site: TextLists): TextLists => ({
  texts: new Map([...shipped.texts, ...site.texts]),
  names: new Map([...shipped.names, ...site.names]),
});

/** Why a rule cannot count while the one that it names does; null when it can, or names none. */
function whileProblem({ spec }: Known, rules: Rules): string | null {
  if (spec.while === undefined) return null;
  const { rule: name } = spec.while;
  const other = rules.get(name)?.spec;
  if (other === undefined) {
    const near = nearest(name, rules.keys());
    return `there is no rule '${name}'${near === null ? "" : `; did you mean ${near}?`}`;
  }
  if (other.bucket.kind !== "threshold") return `'${name}' is a ${other.bucket.kind}; name a threshold`;
  const isAlike = other.events === spec.events && other.subject === spec.subject;
  return isAlike ? null : `'${name}' looks at other events, or counts another subject`;
}

/** A rule that a file holds in full; null when something is wrong with it. */
function newRule(
  { file, id, wrong }: RuleFile,
  lists: TextLists,
  problems: string[],
  parsed: ParsedRules = new Map(),
): Known | null {
  const text = readTextFile(file, "RULE_INVALID");
  const document = (): CheckedDocument<RuleSpec> => checkYaml(file, text, ruleSchema);
  const rule = parsed.get(hashOfText(text)) ?? parsedIn(document(), problems);
  if (wrong !== null) problems.push(wrong);
  if (rule === null) return null;
  const spec = completeRule(rule.spec, lists, (path, message) =>
    problems.push(document().problem(path, message)),
  );
  return { id, spec, names: namesIn(spec.match, lists.names), raw: rule.raw };
}

function parsedIn(document: CheckedDocument<RuleSpec>, problems: string[]): ParsedRule | null {
  problems.push(...document.problems);
  return document.value === null
    ? null
    : { raw: document.raw as Record<string, unknown>, spec: document.value };
}

interface Changed extends Known {
  /** What the site's file says. */
  readonly changed?: Record<string, unknown>;
}

function addedRule(
  file: RuleFile,
  shipped: readonly string[],
  lists: TextLists,
  problems: string[],
): Changed | null {
  const document = checkYaml(file.file, readTextFile(file.file, "RULE_INVALID"), overrideSchema);
  const isChange = document.value !== null && Object.keys(document.value).length > 0;
  if (!isChange) return newRule(file, lists, problems);
  const near = nearest(file.id, shipped);
  const advice = near === null ? "name the file after the rule that it changes" : `did you mean ${near}?`;
  problems.push(document.problem([], `there is no rule '${file.id}' to change; ${advice}`));
  return null;
}

function changedRule(
  { file, id, wrong }: RuleFile,
  known: Known,
  lists: TextLists,
  problems: string[],
): Changed | null {
  const document = checkYaml(file, readTextFile(file, "RULE_INVALID"), overrideSchema);
  if (document.has(["match"]) || document.has(["title"])) {
    problems.push(
      document.problem([], `another rule is called '${id}', and cannot be replaced; call this one otherwise`),
    );
    return null;
  }
  problems.push(...(wrong === null ? [] : [wrong]), ...document.problems);
  if (document.value === null) return null;
  const changed = document.raw as Record<string, unknown>;
  const { only: _only, except: _except, bucket, ...keys } = changed;
  const raw = { ...known.raw, ...keys, bucket: { ...(known.raw.bucket as object), ...(bucket as object) } };
  const merged = ruleSchema.safeParse(raw, { reportInput: false });
  if (!merged.success) {
    for (const { path, message } of problemsOf(merged.error.issues, ruleSchema, raw))
      problems.push(document.problem(path, message));
    return null;
  }
  const { match: written, bucket: merging, ...rest } = merged.data;
  const before = known.spec;
  const scope = scopeOf(document.value, before.events, document, lists, problems);
  // The lists of the rule were read with it, and what a change may say of a bucket has none.
  const spec = {
    ...rest,
    ...(before.unless && { unless: before.unless }),
    match:
      scope.length === 0 ? before.match : { ...before.match, all: [...(before.match.all ?? []), ...scope] },
    bucket: { ...before.bucket, ...numbersOf(merging) } as typeof merging,
  };
  return { id, spec, names: known.names, raw: known.raw, changed };
}

/** All of a bucket but its matchers. */
const numbersOf = (bucket: NamedRule["spec"]["bucket"]): object =>
  Object.fromEntries(Object.entries(bucket).filter(([key]) => key !== "matching" && key !== "steps"));

/** What must hold beside the rule's own matcher. */
function scopeOf(
  { only, except }: Override,
  events: NamedRule["spec"]["events"],
  document: CheckedDocument<Override>,
  lists: TextLists,
  problems: string[],
): MatcherSpec[] {
  const scoped = (matcher: MatcherSpec | undefined, key: string): MatcherSpec[] => {
    if (matcher === undefined) return [];
    const report = (path: readonly PropertyKey[], message: string) =>
      problems.push(document.problem(path, message));
    fieldsUnknownTo(events, matcher, [key], report);
    return [withTexts(matcher, lists, report, [key])];
  };
  return [...scoped(only, "only"), ...scoped(except, "except").map((not) => ({ not }))];
}

/** In the words of the files. */
function changesOf(changed: Record<string, unknown>, was: Record<string, unknown>): string[] {
  return Object.entries(changed).flatMap(([key, value]) => {
    if (key === "only" || key === "except") return [`${key} ${JSON.stringify(value)}`];
    if (key === "bucket") {
      const before = was.bucket as Record<string, unknown>;
      return changesOf(value as Record<string, unknown>, before).map((change) => `bucket.${change}`);
    }
    const before = was[key];
    return [`${key} ${String(value)}${before === undefined ? "" : `, was ${String(before)}`}`];
  });
}
