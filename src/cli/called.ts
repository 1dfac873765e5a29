import type { CliContext } from "./context.ts";

/** How this program was called, for commands that a person copies: bin/sekisho says it. */
export function calledAs({ env }: Pick<CliContext, "env">): string {
  const called = env.SEKISHO_CALLED_AS || "sekisho";
  return /^[\w./+-]+$/.test(called) ? called : `'${called.replaceAll("'", "'\\''")}'`;
}
