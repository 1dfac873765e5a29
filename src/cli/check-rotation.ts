import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config/schema.ts";
import type { ConfigWarning } from "../config/warnings.ts";
import { namesIn } from "../tail/folder-names.ts";
import { logPattern, matchingFiles } from "../tail/log-pattern.ts";

/** Files that logrotate moves elsewhere, as one of its entries says. */
interface Moved {
  readonly file: string;
  readonly line: number;
  readonly patterns: readonly string[];
  /** As it is written. */
  readonly folder: string;
}

const MAX_FILES = 500;
const MAX_BYTES = 1 << 18;
const SCRIPTS = /^(prerotate|postrotate|firstaction|lastaction|preremove)\b/;

/** One warning for each entry of logrotate's that moves a log to where its generations are not looked for. */
export function checkRotation({ logs }: Pick<Config, "logs">, folder = "/etc"): ConfigWarning[] {
  const watched = logs.flatMap((log) =>
    log.socket === undefined ? matchingFiles(logPattern(log.path)).map((path) => ({ path, log })) : [],
  );
  return moves(folder).flatMap(({ file, line, patterns, folder: written }) => {
    const isMoved = patterns.map((pattern) => logPattern(pattern).matches);
    const found = watched.find(({ path, log }) => {
      const at = dirname(path);
      const known = log.rotatedTo === undefined ? at : resolve(at, log.rotatedTo);
      return isMoved.some((matches) => matches(path)) && ![at, known].includes(resolve(at, written));
    });
    if (found === undefined) return [];
    return [
      {
        message: `${file}:${line}: logrotate moves ${found.path} to ${resolve(dirname(found.path), written)}; what is moved there while Sekisho is down stays unread`,
        hint: `add rotatedTo: ${written} to the entry of ${found.log.path} under logs:`,
      },
    ];
  });
}

function moves(folder: string): Moved[] {
  const main = join(folder, "logrotate.conf");
  const general = readMoves(main, null);
  const inFolder = namesIn(join(folder, "logrotate.d")).slice(0, MAX_FILES);
  const others = inFolder.flatMap(
    (name) => readMoves(join(folder, "logrotate.d", name), general.usual).moved,
  );
  return [...general.moved, ...others];
}

/** `usual`: the folder for entries that name none, of the file's end. */
function readMoves(file: string, before: string | null): { moved: Moved[]; usual: string | null } {
  const moved: Moved[] = [];
  let usual = before;
  let patterns: string[] = [];
  let entry: { line: number; folder: string | null } | null = null;
  let inScript = false;
  for (const [index, each] of textOf(file).split("\n").entries()) {
    const text = each.trim();
    if (inScript || SCRIPTS.test(text)) {
      inScript = text !== "endscript";
      continue;
    }
    const named = /^(?:no)?olddir\b\s*(.*)$/.exec(text)?.[1]?.replaceAll('"', "");
    if (named !== undefined) {
      const to = named === "" ? null : named;
      if (entry === null) usual = to;
      else entry = { line: index + 1, folder: to };
    } else if (text.startsWith("}")) {
      if (entry !== null && entry.folder !== null)
        moved.push({ file, line: entry.line, patterns, folder: entry.folder });
      entry = null;
      patterns = [];
    } else if (entry === null && /^["'/]/.test(text)) {
      patterns.push(...(text.match(/"[^"]*"|[^\s{"]+/g) ?? []).map((word) => word.replaceAll('"', "")));
    }
    if (entry === null && text.endsWith("{")) entry = { line: index + 1, folder: usual };
  }
  return { moved, usual };
}

function textOf(file: string): string {
  try {
    const { size } = statSync(file);
    return size <= MAX_BYTES ? readFileSync(file, "utf8") : "";
  } catch {
    return "";
  }
}
