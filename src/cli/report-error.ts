import { messageOf, SekishoError } from "../model/errors.ts";
import { printable } from "../model/safe-text.ts";
import type { CliContext } from "./context.ts";

/** Prints an error as every command does, and answers the exit status that it leads to. */
export function reportError(context: CliContext, error: unknown): number {
  if (error instanceof SekishoError && error.code !== "INTERNAL") {
    for (const line of error.message.split("\n")) context.stderr(`sekisho: ${printable(line)}\n`);
    for (const line of error.hint.split("\n")) context.stderr(`hint: ${printable(line)}\n`);
    return error.exitStatus;
  }
  context.stderr(`sekisho: internal error: ${printable(messageOf(error))}\n`);
  const stack = error instanceof Error ? (error.stack ?? "").split("\n").slice(1) : [];
  for (const line of stack) context.stderr(`  ${printable(line.trim())}\n`);
  context.stderr("hint: this is a fault of Sekisho's, not yours; please report it with the lines above\n");
  return 70;
}
