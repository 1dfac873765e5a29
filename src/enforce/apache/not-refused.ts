import { SekishoError } from "../../model/errors.ts";

/** A real request came through that `what` should have had refused. */
export const notRefused = (what: string, where: string): SekishoError =>
  new SekishoError(
    "BLOCK_WITHOUT_EFFECT",
    `Apache does not look at ${what}, so it blocks nobody: ${where}, which should have been refused`,
    "sekisho check looks for what is in the way; Apache needs the lines of sekisho apache snippet, and a reload. Where another program answers there, set probe.url",
  );
