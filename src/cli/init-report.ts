import { accessSync, constants, readdirSync } from "node:fs";
import { addressText, type Server, serverLabel } from "../apache-config/servers.ts";
import { accessHint } from "../config/discover.ts";
import type { Written } from "../config/write.ts";
import { systemCode } from "../model/errors.ts";
import { logPattern, matchingFiles } from "../tail/log-pattern.ts";
import type { CliContext } from "./context.ts";
import { placeText, shortPlace } from "./init-config.ts";
import type { Note } from "./init-notes.ts";
import { type InitPlan, logsToRead, type PlannedLog, serversText } from "./init-plan.ts";
import { type Cell, count, painter, printable, table } from "./output.ts";

/** What is longer is counted; `--json` has all. */
const MAX_ROWS = 60;

/** What was found and where, what it leads to, and what a person should know. */
export function printPlan(context: CliContext, plan: InitPlan, file: string, text: string): void {
  const paint = painter(context);
  const { apache, config, proxies, origins } = plan;
  const others = config.files.length - 1;
  context.stdout(
    `Apache: ${printable(apache.main)}${others > 0 ? ` and ${count(others, "file")} that it includes` : ""}\n`,
  );
  const section = (title: string, rows: readonly (readonly (string | Cell)[])[], none: string): void => {
    const shown = table(context, rows.slice(0, MAX_ROWS)).replace(/^(?=.)/gm, "  ");
    const more = rows.length > MAX_ROWS ? `  and ${rows.length - MAX_ROWS} more: --json shows all\n` : "";
    context.stdout(`\n${paint("bold", title)}\n${rows.length === 0 ? `  ${none}\n` : shown}${more}`);
  };
  const at = (place: Note["place"]): Cell => ({ text: shortPlace(place, plan), style: "dim" });
  const vhosts = plan.servers.filter(({ place }) => place !== null);
  section(
    "Vhosts",
    vhosts.map((vhost) => [...vhostCells(vhost), at(vhost.place)]),
    "none: all is the main server's",
  );
  const logs = (wanted: PlannedLog["verdict"]) => plan.logs.filter(({ verdict }) => verdict === wanted);
  section(
    "Logs that would be read",
    logs("read").map((log) => [log.kind, log.path, formatText(log), serversText(log.servers), at(log.place)]),
    "none",
  );
  for (const verdict of ["left out", "cannot be read"] as const) {
    const rows = logs(verdict).map(({ kind, path, why, place }) => [kind, path, why ?? "", at(place)]);
    if (rows.length > 0)
      section(verdict === "left out" ? "Logs that are left out" : "Logs that cannot be read", rows, "");
  }
  section(
    "WebSockets are passed on",
    plan.webSockets.map(({ servers, path, backend, place }) => [
      serversText(servers),
      path,
      backend,
      at(place),
    ]),
    "nowhere that was found",
  );
  section(
    "Trusted proxies",
    proxies.targets.map(({ target, place }) => [target, at(place)]),
    "none: Apache takes the address that connects for the client's",
  );
  section(
    "Origins that may open WebSockets",
    origins.map(({ origin, place }) => [origin, at(place)]),
    "none, so no Origin is foreign",
  );
  printNotes(context, [...plan.notes, ...readingNotes(plan)], plan);
  // In the file signs stand as they are, on a terminal they are shown.
  const shown = text.split("\n").map((line) => (line === "" ? "" : `  ${printable(line)}`));
  context.stdout(`\n${paint("bold", printable(file))}\n\n${shown.join("\n")}`);
}

function vhostCells(vhost: Server): (string | Cell)[] {
  const names = vhost.names.length === 0 ? "without a name" : vhost.names.slice(0, 4).join(" ");
  const more = vhost.names.length > 4 ? ` and ${vhost.names.length - 4} more` : "";
  const addresses = vhost.addresses.slice(0, 4).map(addressText).join(" ");
  return [names + more, addresses, vhost.tls ? "TLS" : ""];
}

const formatText = ({ kind, format }: PlannedLog): string => {
  if (format === null) return "";
  return format.includes("%")
    ? `${kind === "error" ? "an ErrorLogFormat" : "a LogFormat"} of its own`
    : format;
};

function printNotes(context: CliContext, all: readonly Note[], plan: InitPlan): void {
  if (all.length === 0) return;
  const paint = painter(context);
  context.stdout(`\n${paint("bold", "Worth knowing")}\n`);
  for (const { place, message, hint } of all.slice(0, MAX_ROWS)) {
    const where = place === null ? "" : `${shortPlace(place, plan)}: `;
    context.stdout(`  ${paint("yellow", "-")} ${printable(where + message)}\n    hint: ${printable(hint)}\n`);
  }
  if (all.length > MAX_ROWS) context.stdout(`  and ${all.length - MAX_ROWS} more: --json shows all\n`);
}

/** Logs that this user cannot read, or that are not there. One note for all that have one remedy. */
export function readingNotes(plan: InitPlan): Note[] {
  const notes = new Map<string, Note>();
  for (const { path, place } of logsToRead(plan)) {
    const found = readingProblem(path);
    if (found !== null && !notes.has(found.key)) notes.set(found.key, { place, ...found });
  }
  return [...notes.values()].map(({ place, message, hint }) => ({ place, message, hint }));
}

interface ReadingProblem {
  /** Equal where one remedy is for all. */
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

function readingProblem(path: string): ReadingProblem | null {
  const pattern = logPattern(path);
  try {
    readdirSync(pattern.directory);
  } catch (error) {
    return systemCode(error) === "ENOENT" ? absent(pattern.directory) : closed(pattern.directory);
  }
  const files = matchingFiles(pattern);
  if (files.length === 0) return absent(path);
  const unreadable = files.find((file) => !isReadable(file));
  return unreadable === undefined ? null : closed(unreadable);
}

const absent = (path: string): ReadingProblem => ({
  key: path,
  message: `${path} is not there yet`,
  hint: "Apache makes its logs when it starts; a log that appears later is found while Sekisho runs",
});

function closed(path: string): ReadingProblem {
  let hint = `give the user that runs Sekisho read access to ${path} and the folders above it`;
  try {
    hint = accessHint(path);
  } catch {
    // A folder above is closed too, so nothing is known of it.
  }
  return { key: hint, message: `this user may not read ${path}`, hint };
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

interface Outcome {
  readonly file: string;
  readonly text: string;
  readonly written: Written | null;
}

/** All of it for programs. */
export function planJson(plan: InitPlan, { file, text, written }: Outcome): unknown {
  const at = (place: Note["place"]) => (place === null ? null : placeText(place));
  const labels = (servers: readonly Server[]) => servers.map(serverLabel);
  const { apache, config, proxies } = plan;
  return {
    apache: {
      config: apache.main,
      serverRoot: config.serverRoot,
      files: config.files,
      unreadable: config.closed,
    },
    vhosts: plan.servers
      .filter(({ place }) => place !== null)
      .map(({ names, addresses, tls, place }) => ({ names, addresses, tls, at: at(place) })),
    logs: plan.logs.map(({ servers, place, ...log }) => ({
      ...log,
      servers: labels(servers),
      at: at(place),
    })),
    webSockets: plan.webSockets.map(({ servers, path, backend, place }) => ({
      servers: labels(servers),
      path,
      backend,
      at: at(place),
    })),
    remoteIpHeader: proxies.header?.name ?? null,
    trustedProxies: proxies.targets.map(({ target, place }) => ({ target, at: at(place) })),
    origins: plan.origins.map(({ origin, plain, place }) => ({ origin, plain, at: at(place) })),
    notes: [...plan.notes, ...readingNotes(plan)].map(({ message, hint, place }) => ({
      message,
      hint,
      at: at(place),
    })),
    configuration: { file, text, written: written !== null, backup: written?.backup ?? null },
  };
}
