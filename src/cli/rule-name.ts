import { nearest } from "../config/nearest.ts";
import { SekishoError } from "../model/errors.ts";

/** More names than these help nobody in a hint. */
const NAMED = 20;

/** Of the rules that have the word in their name. */
const MEANT = 6;

/** The error of whoever names a rule that there is not. */
export function noSuchRule(id: string, known: readonly string[]): SekishoError {
  const within = known.filter((each) => id !== "" && each.includes(id.toLowerCase()));
  const near = nearest(id, known);
  const meant = (near === null ? within : [near]).slice(0, MEANT);
  const all = known.length > NAMED ? "sekisho rules lists them" : `the rules are ${known.join(", ")}`;
  return new SekishoError(
    "USAGE",
    `there is no rule '${id}'`,
    meant.length === 0 ? all : `did you mean ${meant.join(", ")}?`,
  );
}
