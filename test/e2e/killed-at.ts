/**
 * Loaded into a daemon under test before its own code (NODE_OPTIONS=--import): kills it at one step of its work on files, which the
 * file KILLED_AT names, "before rename blocklist.conf" for example. Numbers of generations are written N.
 */

import { readFileSync, realpathSync } from "node:fs";
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename, dirname } from "node:path";

const file = process.env.KILLED_AT!;

function reach(moment: string): void {
  if (moment === readFileSync(file, "utf8").trim()) process.kill(process.pid, "SIGKILL");
}

/** Whatever way to its folder Sekisho goes. */
function name(path: string): string {
  const last = basename(path).replace(/^\d+$/, "N");
  return last === "N" ? `${basename(realpathSync(dirname(path)))}/N` : last;
}

const { rename, rm } = files;
files.rename = async (from, to) => {
  reach(`before rename ${name(String(to))}`);
  await rename(from, to);
};
files.rm = async (path, options) => {
  reach(`before rm ${name(String(path))}`);
  await rm(path, options);
};
syncBuiltinESMExports();
