import { lstatSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { bypassesOf } from "../apache-config/bypasses.ts";
import { findApache } from "../apache-config/layout.ts";
import { type ErrorLog, errorLogsOf, locateIn, mixedErrorLogs } from "../apache-config/logs.ts";
import { type ReadConfig, type ReadProblem, readApacheConfig } from "../apache-config/reader.ts";
import { serversOf } from "../apache-config/servers.ts";
import { withoutRoom } from "../apache-config/slots.ts";
import { snippetIn } from "../apache-config/snippet.ts";
import { voidAccessOf } from "../apache-config/void-access.ts";
import type { Config } from "../config/schema.ts";
import type { ConfigWarning } from "../config/warnings.ts";
import { ROOTS_HALF } from "../enforce/apache/control.ts";
import { SekishoError } from "../model/errors.ts";
import { logPattern } from "../tail/log-pattern.ts";

const MAX_SHOWN = 100;

/**
 * What in Apache's configuration keeps blocks from having an effect, restrictions of the site's own that have none, and logs
 * whose lines will stay unparsed.
 * `main`: Apache's main file; null: where distributions have it. Nothing is said where there is no Apache. Looks only.
 * Throws APACHE_CONFIG_UNREADABLE where a file that was named cannot be read.
 */
export function checkApache(
  { enforcers, logs }: Pick<Config, "enforcers" | "logs">,
  main: string | null,
): ConfigWarning[] {
  const apache = findApache("/", main);
  if (apache === null) return [];
  const config = readApacheConfig(apache);
  const closed = unread(config);
  if (config.files.length === 0 && closed === null) {
    const [problem] = config.problems;
    if (main === null || problem === undefined) return config.problems.slice(0, 1);
    throw new SekishoError("APACHE_CONFIG_UNREADABLE", problem.message, "name Apache's main file");
  }
  const servers = serversOf(config);
  const isEnforcer = enforcers["apache-directory"] !== undefined || enforcers["apache-include"] !== undefined;
  const found = [
    // What is not there may stand in what cannot be read.
    ...(closed === null ? missingParts(config, enforcers, apache.control) : [closed]),
    ...openList(config),
    ...ownTmp(enforcers),
    ...slots(config, enforcers),
    ...(isEnforcer ? bypassesOf(config, servers) : []),
    ...voidAccessOf(config),
    ...mixedErrorLogs(errorLogsOf(servers, locateIn(apache.tree, config)).filter(isRead(logs))),
  ];
  return found.slice(0, MAX_SHOWN).map(({ place, message, hint }) => ({
    message: place === null ? message : `${place.file}:${place.line}: ${message}`,
    hint,
  }));
}

const isRead =
  (logs: Config["logs"]) =>
  ({ target }: ErrorLog): boolean =>
    target.kind === "file" && logs.some(({ path }) => logPattern(path).matches(target.path));

function unread({ closed }: ReadConfig): ReadProblem | null {
  const [first] = closed;
  if (first === undefined) return null;
  const more = closed.length === 1 ? "" : ` and ${closed.length - 1} more`;
  return {
    place: null,
    message: `this user may not read ${first}${more} of Apache's configuration, so not all of it was checked`,
    hint: "run this as root, too",
  };
}

/** Whoever may write what Apache includes is root at its next reload, by LoadModule. */
function openList(config: ReadConfig): ReadProblem[] {
  const { includeFile, place } = snippetIn(config);
  if (includeFile === null || place === null) return [];
  const trusted = [0, statOf(place.file)?.uid];
  for (let path = includeFile; path !== "/"; path = dirname(path)) {
    const stats = statOf(path);
    if (stats === undefined) continue;
    const isOpen = (stats.mode & 0o022) !== 0 && !stats.isSymbolicLink() && (stats.mode & 0o1000) === 0;
    if (trusted.includes(stats.uid) && !isOpen) continue;
    const who = isOpen ? "others" : `the user with the number ${stats.uid}`;
    const message = `Apache includes ${includeFile}, and ${who} may write ${path}: that is enough to have Apache load a program as root`;
    const hint = `where \`sekisho install\` made the service, root keeps a copy for Apache: write file: ${ROOTS_HALF.list} into enforcers.apache-include, and that path into Apache's IncludeOptional; else make it root's`;
    return [{ place, message, hint }];
  }
  return [];
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // Behind a folder that is closed to us, which was looked at already or is next.
    return undefined;
  }
}

/** Tried as the web user the directory is there, and the running Apache sees another one. */
function ownTmp({ "apache-directory": directory }: Config["enforcers"]): ReadProblem[] {
  if (directory === undefined || !/^\/(var\/)?tmp\//.test(directory.directory)) return [];
  const message = `Apache does not see ${directory.directory} where systemd gives it a /tmp of its own, as Debian's and RHEL's units do (PrivateTmp)`;
  return [{ place: null, message, hint: "use enforcers.apache-directory.directory: /run/sekisho/banned" }];
}

/** Only the list needs reloads. */
function slots(config: ReadConfig, { "apache-include": include }: Config["enforcers"]): ReadProblem[] {
  const problem = include === undefined ? null : withoutRoom(config, include.lingering);
  return problem === null ? [] : [problem];
}

/** Enforcers that nothing in Apache looks at. */
function missingParts(config: ReadConfig, enforcers: Config["enforcers"], control: string): ReadProblem[] {
  const { directory, includeFile, place } = snippetIn(config);
  const hint = `put what \`sekisho apache snippet\` prints at Apache's server level, then ${control} configtest && ${control} graceful`;
  const asked = [
    { what: "the ban directory", wanted: enforcers["apache-directory"]?.directory, found: directory },
    { what: "the list", wanted: enforcers["apache-include"]?.file, found: includeFile },
  ];
  return asked.flatMap(({ what, wanted, found }): ReadProblem[] => {
    if (wanted === undefined || wanted === found) return [];
    return found === null
      ? [
          {
            place: null,
            message: `Apache's configuration does not look at ${what} ${wanted}: it blocks nobody`,
            hint,
          },
        ]
      : [{ place, message: `Apache looks at ${found}, and ${what} is ${wanted}: it blocks nobody`, hint }];
  });
}
