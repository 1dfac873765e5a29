import { lstatSync } from "node:fs";
import { join, resolve } from "node:path";
import type { SekishoError } from "../model/errors.ts";

/** Where the dashboard is unless the configuration says otherwise. */
export const USUAL_LISTEN = { host: "127.0.0.1", port: 7080 } as const;
/** The data folder where there is no configuration, below the folder of whoever runs Sekisho. */
export const DATA_WITHOUT_CONFIG = "data";
/** The same where the configuration names none. */
export const USUAL_DATA = "/var/lib/sekisho";

/** What finds the daemon that runs with a configuration. */
export interface Whereabouts {
  /** Absolute. */
  readonly data: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** What else is wrong with the configuration; the daemon may run with an earlier state of it. */
  readonly problem: SekishoError | null;
}

/** The file that runs: the one that is named, else the first of the usual places; null when there is none. */
export function configFile(named: string | undefined, cwd: string, root: string): string | null {
  if (named !== undefined) return resolve(cwd, named);
  const places = [join(cwd, "sekisho.yaml"), join(root, "etc/sekisho/sekisho.yaml")];
  return places.find(mayBeThere) ?? null;
}

/** A dangling link or a closed folder is there: its owner meant a configuration, and must not get another instead. */
export function mayBeThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}
