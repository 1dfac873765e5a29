import { nearest } from "../config/nearest.ts";
import { SekishoError } from "../model/errors.ts";

/** The error of whoever names a rule that there is not. */
export function noSuchRule(id: string, known: readonly string[]): SekishoError {
  const suggestion = nearest(id, known);
  return new SekishoError(
    "USAGE",
    `there is no rule '${id}'`,
    suggestion === null ? `the rules are ${known.join(", ")}` : `did you mean ${suggestion}?`,
  );
}
