import type { BucketSpec, Condition, ListReference, MatcherSpec } from "../evaluate/rule-schema.ts";
import { nearest } from "./nearest.ts";
import type { Path } from "./schema-walk.ts";

interface Lists {
  readonly texts: ReadonlyMap<string, readonly string[]>;
}
type Report = (path: Path, message: string) => void;

/** The matcher with each list's texts in place of its name, at any depth. A list that is unknown or empty is reported. */
export function withLists(
  matcher: MatcherSpec,
  lists: Lists,
  report: Report,
  path: Path = ["match"],
): MatcherSpec {
  const resolved = Object.entries(matcher).map(([key, value]) => {
    const here = [...path, key];
    if (value === undefined || key === "client") return [key, value];
    if (key === "not") return [key, withLists(value as MatcherSpec, lists, report, here)];
    if (key === "all" || key === "any") {
      const parts = value as readonly MatcherSpec[];
      return [key, parts.map((part, index) => withLists(part, lists, report, [...here, index]))];
    }
    return [key, resolvedCondition(value as Condition, lists, report, here)];
  });
  return Object.fromEntries(resolved) as MatcherSpec;
}

/** The bucket with the texts of lists in its matchers. */
export function bucketWithLists(bucket: BucketSpec, lists: Lists, report: Report): BucketSpec {
  if (bucket.kind === "ratio") {
    return { ...bucket, matching: withLists(bucket.matching, lists, report, ["bucket", "matching"]) };
  }
  if (bucket.kind !== "sequence") return bucket;
  const resolved = (step: MatcherSpec, index: number): MatcherSpec =>
    withLists(step, lists, report, ["bucket", "steps", index]);
  return { ...bucket, steps: bucket.steps.map(resolved) };
}

function resolvedCondition(condition: Condition, lists: Lists, report: Report, path: Path): Condition {
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

function whatIsWrong(name: string, lists: Lists): string {
  if (lists.texts.has(name))
    return `the list '${name}' is empty; write one text a line into lists/${name}.txt`;
  const near = nearest(name, lists.texts.keys());
  if (near !== null) return `there is no list '${name}'; did you mean ${near}?`;
  return `there is no list '${name}'; write one text a line into lists/${name}.txt beside the rules`;
}
