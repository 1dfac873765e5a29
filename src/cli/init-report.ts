import { addressText, type Server, serverLabel } from "../apache-config/servers.ts";
import type { Written } from "../config/write.ts";
import type { SekishoError } from "../model/errors.ts";
import { printable } from "../model/safe-text.ts";
import type { CliContext } from "./context.ts";
import { placeText, shortPlace } from "./init-config.ts";
import type { PlannedLog } from "./init-logs.ts";
import type { Change } from "./init-merge.ts";
import type { Note } from "./init-notes.ts";
import { type InitPlan, serversText } from "./init-plan.ts";
import { readingNotes } from "./init-reading.ts";
import { count, painter } from "./output.ts";
import { type Cell, indented, table } from "./table.ts";

/** What is longer is counted; `--json` has all. */
const MAX_ROWS = 60;

/** What a plan leads to. */
export interface Outcome {
  /** Null where none is meant yet. */
  readonly file: string | null;
  readonly text: string;
  /** What becomes of a configuration that is there; null where there is none, or it cannot be changed. */
  readonly changes: readonly Change[] | null;
  /** Why one that is there cannot be changed. */
  readonly refusal: SekishoError | null;
}

export const isUnchanged = ({ changes }: Outcome): boolean =>
  changes?.every(({ kind }) => kind === "kept") ?? false;

/** What was found and where, what it leads to, and what a person should know. */
export function printPlan(context: CliContext, plan: InitPlan, outcome: Outcome): void {
  const paint = painter(context);
  const { apache, config } = plan;
  const others = config.files.length - 1;
  const more = others > 0 ? ` and ${count(others, "file")} that it includes` : "";
  context.stdout(`Apache: ${printable(apache.main)}${more}\n`);
  for (const { title, rows, none } of [
    ...serverSections(plan),
    ...logSections(plan),
    ...socketSections(plan),
  ]) {
    const shown = indented(table(context, rows.slice(0, MAX_ROWS)));
    const rest = rows.length > MAX_ROWS ? `  and ${rows.length - MAX_ROWS} more: --json shows all\n` : "";
    context.stdout(`\n${paint("bold", title)}\n${rows.length === 0 ? `  ${none}\n` : shown}${rest}`);
  }
  printNotes(
    context,
    [...plan.notes, ...readingNotes(plan), ...refusalNotes(outcome), ...enforcerNotes(plan, outcome)],
    plan,
  );
  const { file, text, changes } = outcome;
  if (changes !== null) {
    const rows = changes.map(({ kind, key, what }) => [kind, key, what]);
    const shown = indented(table(context, rows));
    context.stdout(`\n${paint("bold", `${printable(file ?? "")}, line by line`)}\n${shown}`);
    return;
  }
  // In the file signs stand as they are, on a terminal they are shown.
  const shown = text.split("\n").map((line) => (line === "" ? "" : `  ${printable(line)}`));
  context.stdout(`\n${paint("bold", printable(file ?? "The configuration"))}\n\n${shown.join("\n")}`);
}

const refusalNotes = ({ file, refusal }: Outcome): Note[] =>
  refusal === null
    ? []
    : [
        {
          place: null,
          message: `${file} is there and cannot be changed: ${refusal.message}`,
          hint: refusal.hint,
        },
      ];

/** Who set `mode: enforce` in a file that was made before Apache had the snippet would block nobody. */
function enforcerNotes({ snippet }: InitPlan, { file, text, changes, refusal }: Outcome): Note[] {
  const isMerged = changes !== null && refusal === null;
  if (!isMerged || snippet.place === null || /^enforcers:/m.test(text)) return [];
  return [
    {
      place: snippet.place,
      message: `Apache has the snippet, and ${file} names no enforcers: nobody would be blocked`,
      hint: "take the # off the enforcers there, or add them: docs/apache.md",
    },
  ];
}

type Row = readonly (string | Cell)[];

interface ReportSection {
  readonly title: string;
  readonly rows: readonly Row[];
  /** Shown where there are no rows. */
  readonly none: string;
}

const placeCell = (place: Note["place"], plan: InitPlan): Cell => ({
  text: shortPlace(place, plan),
  style: "dim",
});

function serverSections(plan: InitPlan): ReportSection[] {
  const vhosts = plan.servers.filter(({ place }) => place !== null);
  const rows = vhosts.map((vhost) => [...vhostCells(vhost), placeCell(vhost.place, plan)]);
  return [{ title: "Vhosts", rows, none: "none: all is the main server's" }];
}

function vhostCells(vhost: Server): (string | Cell)[] {
  const names = vhost.names.length === 0 ? "without a name" : vhost.names.slice(0, 4).join(" ");
  const more = vhost.names.length > 4 ? ` and ${vhost.names.length - 4} more` : "";
  const addresses = vhost.addresses.slice(0, 4).map(addressText).join(" ");
  return [names + more, addresses, vhost.tls ? "TLS" : ""];
}

function logSections(plan: InitPlan): ReportSection[] {
  const logs = (wanted: PlannedLog["verdict"]) => plan.logs.filter(({ verdict }) => verdict === wanted);
  const read = logs("read").map((log) => [
    ...[log.kind, log.path, formatText(log), serversText(log.servers)],
    placeCell(log.place, plan),
  ]);
  const unread = (wanted: PlannedLog["verdict"]) =>
    logs(wanted).map(({ kind, path, why, place }) => [kind, path, why ?? "", placeCell(place, plan)]);
  const others: ReportSection[] = [
    { title: "Logs that are left out", rows: unread("left out"), none: "" },
    { title: "Logs that cannot be read", rows: unread("cannot be read"), none: "" },
  ];
  return [
    { title: "Logs that would be read", rows: read, none: "none" },
    ...others.filter(({ rows }) => rows.length > 0),
  ];
}

const formatText = ({ kind, format }: PlannedLog): string => {
  if (format === null) return "";
  return format.includes("%")
    ? `${kind === "error" ? "an ErrorLogFormat" : "a LogFormat"} of its own`
    : format;
};

function socketSections(plan: InitPlan): ReportSection[] {
  const { webSockets, proxies, origins } = plan;
  return [
    {
      title: "WebSockets are passed on",
      rows: webSockets.map(({ servers, path, backend, place }) => [
        ...[serversText(servers), path, backend],
        placeCell(place, plan),
      ]),
      none: "nowhere that was found",
    },
    {
      title: "Trusted proxies",
      rows: proxies.targets.map(({ target, place }) => [target, placeCell(place, plan)]),
      none: "none: Apache takes the address that connects for the client's",
    },
    {
      title: "Origins that may open WebSockets",
      rows: origins.map(({ origin, place }) => [origin, placeCell(place, plan)]),
      none: "none: an Origin is compared with the host that was asked for",
    },
  ];
}

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

/** All of it for programs. */
export function planJson(
  plan: InitPlan,
  { file, text, changes, refusal }: Outcome,
  written: Written | null,
): unknown {
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
    configuration: {
      file,
      text,
      changes,
      refused: refusal?.message ?? null,
      written: written !== null,
      backup: written?.backup ?? null,
    },
  };
}
