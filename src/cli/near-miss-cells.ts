import type { NearMissItem } from "../model/rule-status.ts";
import type { Cell } from "./table.ts";

export const NEAR_MISS_HEADS: readonly (string | Cell)[] = [
  "SUBJECT",
  { text: "HITS", right: true },
  "AT",
  "",
];

/** A near miss as a row of a table. */
export const nearMissCells = ({ subject, count, of, at }: NearMissItem): (string | Cell)[] => [
  subject,
  { text: `${count} of ${of}`, right: true },
  at,
  // Only the rule itself can have kept quiet about so many.
  count >= of ? "spared by unless" : "",
];
