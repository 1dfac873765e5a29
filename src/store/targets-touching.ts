import { allThatCover, isSingle, type Target, TargetSet } from "../model/ip.ts";
import type { Statements } from "./statements.ts";

/** Those of a table's targets that cover the target or lie within it, as a JSON list. */
export function targetsTouching(
  statements: Statements,
  table: "incidents" | "decisions",
  target: Target,
): string {
  // Nothing lies within one address, and what covers it is few: no need to look at all.
  if (isSingle(target)) return JSON.stringify(allThatCover(target));
  const asked = new TargetSet([target]);
  const targets = statements.all<{ target: Target | "" }>(`SELECT DISTINCT target FROM ${table}`);
  return JSON.stringify(
    targets
      .filter((each) => each.target !== "" && asked.overlapping(each.target) !== null)
      .map((each) => each.target),
  );
}
