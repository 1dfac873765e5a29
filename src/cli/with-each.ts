import { SekishoError } from "../model/errors.ts";
import type { CliContext } from "./context.ts";
import { reportError } from "./report-error.ts";

/** Does one thing with each: what the daemon refuses of one is told, and keeps none of the others from it. */
export async function withEach<Item>(
  context: CliContext,
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  for (const item of items) {
    try {
      await act(item);
    } catch (error) {
      if (!(error instanceof SekishoError && error.exitStatus === 1)) throw error;
      context.exitStatus = reportError(context, error);
    }
  }
}
