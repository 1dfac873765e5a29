import type { EnforcerStatus } from "../model/api.ts";
import { SekishoError } from "../model/errors.ts";

/** Enforcers that did not lift what they hold. */
export const stillBlocking = (enforcers: readonly EnforcerStatus[]): EnforcerStatus[] =>
  enforcers.filter(({ state }) => state === "failed");

export const incomplete = (failed: readonly EnforcerStatus[], ...more: readonly string[]): SekishoError =>
  new SekishoError(
    "PANIC_INCOMPLETE",
    [...failed.map(({ name, error }) => `${name} may still block: ${error}`), ...more].join("\n"),
    failed.find(({ hint }) => hint !== null)?.hint ?? "remove what is in the way and run sekisho panic again",
  );
