/**
 * Loaded into a daemon under test before its own code (NODE_OPTIONS=--import): kills it at one step of its work on files, which the
 * file KILLED_AT names, "before rename blocklist.conf" for example. Numbers of generations are written N.
 */

import { readFileSync } from "node:fs";
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const file = process.env.KILLED_AT!;

function reach(moment: string): void {
  if (moment === readFileSync(file, "utf8").trim()) process.kill(process.pid, "SIGKILL");
}

const name = (path: string): string =>
  path
    .split("/")
    .slice(/\/\d+$/.test(path) ? -2 : -1)
    .join("/")
    .replace(/\d+$/, "N");

const { rename, rm } = files;
files.rename = async (from, to) => {
  reach(`before rename ${name(String(to))}`);
  await rename(from, to);
  reach(`after rename ${name(String(to))}`);
};
files.rm = async (path, options) => {
  reach(`before rm ${name(String(path))}`);
  await rm(path, options);
};
syncBuiltinESMExports();
