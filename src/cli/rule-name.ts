import { nearest } from "../config/nearest.ts";
import { SekishoError } from "../model/errors.ts";

/** More names than these help nobody in a hint. */
const NAMED = 20;

/** The error of whoever names a rule that there is not. */
export function noSuchRule(id: string, known: readonly string[]): SekishoError {
  const suggestion = nearest(id, known);
  const all = known.length > NAMED ? "sekisho rules lists them" : `the rules are ${known.join(", ")}`;
  return new SekishoError(
    "USAGE",
    `there is no rule '${id}'`,
    suggestion === null ? all : `did you mean ${suggestion}?`,
  );
}
