import { readdirSync, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "./schema.ts";
import type { ConfigWarning } from "./warnings.ts";

const WRITABLE_BY_OTHERS = 0o002;
const READABLE_BY_OTHERS = 0o004;
/** In such a folder nobody can replace what is another's. */
const STICKY = 0o1000;

/** Where everybody on this machine may write what Sekisho obeys, or read a secret that stands in the configuration. */
export function openFiles(file: string, config: Config): ConfigWarning[] {
  const folders = [config.rules, config.siteRules].filter((path) => path !== undefined);
  const places = [file, dirname(file), ...folders, ...folders.flatMap(filesIn)];
  const warnings = [...new Set(places)].flatMap((path) => {
    const stats = statOf(path);
    if (stats === null || !isWritable(stats)) return [];
    return {
      message: `everybody on this machine may write ${path}, and so say whom Sekisho bans and what it runs`,
      hint: `chmod o-w ${path}`,
    };
  });
  const secret = secretIn(config);
  if (secret === null || ((statOf(file)?.mode ?? 0) & READABLE_BY_OTHERS) === 0) return warnings;
  const message = `everybody on this machine may read ${file}, and ${secret} in it is often a secret`;
  return [...warnings, { message, hint: `chmod o-r ${file}; whoever runs Sekisho has to read it` }];
}

const isWritable = ({ mode }: Stats): boolean => (mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0;

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    // Whoever reads it says what is wrong.
    return null;
  }
}

/** The key of something that only whom it was given to should know. */
function secretIn({ notifications, lists }: Config): string | null {
  const [first] = notifications;
  if (first !== undefined) return first.to === "email" ? "notifications.server" : "notifications.url";
  return lists.some(({ from }) => /^https?:.*\?/i.test(from)) ? "lists.from" : null;
}
