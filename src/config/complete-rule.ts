import { FIELDS } from "../evaluate/fields.ts";
import type { MatcherSpec, RuleSpec } from "../evaluate/rule-schema.ts";
import { subjectField } from "../evaluate/subject-kinds.ts";
import type { SourceKind } from "../model/event.ts";
import type { Path } from "./schema-walk.ts";
import { bucketWithTexts, type Report, type TextLists, withTexts } from "./text-lists.ts";

/**
 * A rule with the texts of lists in place of their names. Reported is what one key alone cannot tell: fields that the rule's
 * kind of event does not have, and lists that there are not.
 */
export function completeRule(spec: RuleSpec, lists: TextLists, report: Report): RuleSpec {
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
      unless: { ...unless, match: withTexts(unless.match, lists, report, ["unless", "match"]) },
    }),
    match: withTexts(spec.match, lists, report),
    bucket: bucketWithTexts(bucket, lists, report),
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
