import type { ConfigWarning } from "../config/warnings.ts";
import type { ListCheck } from "../lists/imported-list.ts";
import type { CliContext } from "./context.ts";
import { ago, listRow } from "./status.ts";
import type { Cell } from "./table.ts";

/** As `status` shows a list, with what is known of its source where no daemon has fetched it. */
export const listCheckRow = (context: CliContext, list: ListCheck): (string | Cell)[] => [
  ...listRow(context, list).with(4, sourceText(context, list)),
  list.from,
];

const sourceText = (context: CliContext, { copy, fetchedAt }: ListCheck): string => {
  if (copy === null) return "a file";
  return fetchedAt === null ? "not fetched yet" : `fetched ${ago(context, fetchedAt)}`;
};

/** What keeps no daemon from starting, and leaves a list without entries until it is fetched. */
export function listWarnings(lists: readonly ListCheck[], now: number): ConfigWarning[] {
  return lists.flatMap(({ name, copy, until }) => {
    if (copy === "unfit")
      return {
        message: `the copy of list ${name} is not used: it was fetched from another source or read otherwise, or it is damaged`,
        hint: "the start fetches the list anew; until then it has no entries",
      };
    if (copy === "good" && until !== null && Date.parse(until) <= now)
      return {
        message: `the entries of list ${name} hold no longer: it was not fetched for as long as lists[].keep says`,
        hint: "the start fetches the list; sekisho status says what is wrong with its source",
      };
    return [];
  });
}
