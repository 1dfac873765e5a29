import type { Command } from "commander";
import type {
  CountingStatus,
  CutStatus,
  DatabaseStatus,
  EnforcerState,
  EnforcerStatus,
  JobStatus,
  ListStatus,
  SourceStatus,
  Status,
} from "../model/api.ts";
import { printable } from "../model/safe-text.ts";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { count, moment, painter, printableLines, type Style, size, span, writeJson } from "./output.ts";
import { type Cell, type Fit, indented, table } from "./table.ts";

interface StatusOptions {
  readonly json?: boolean;
  readonly config?: string;
}

export const statusCommand = (context: CliContext): Command =>
  subcommand("status", {
    summary: "Show what the running daemon reads, has banned and enforces.",
    examples: [
      ["sekisho status", "for people"],
      ["sekisho status --json | jq .bans.active", "for programs"],
      ["sekisho status >/dev/null || echo 'Sekisho needs a look'", "for a watchdog"],
    ],
    exits: [
      [0, "every enforcer is in-sync, pending or off, and nothing is wrong"],
      [1, "an enforcer is drifted or failed, a source is unreadable, or the daemon reports a problem"],
      [2, "wrong usage or configuration"],
      NO_DAEMON,
    ],
  })
    .option("--json", "print JSON and nothing else")
    .option(...CONFIG_OPTION)
    .action(async (options: StatusOptions) => {
      const daemon = await connectToDaemon(context, options.config);
      const status = (await daemon.request("GET", "/api/status")) as Status;
      if (options.json) writeJson(context, status);
      else context.stdout(statusText(context, status, daemon.url));
      if (!isFine(status)) context.exitStatus = 1;
    });

const isFine = (status: Status): boolean =>
  status.problems.length === 0 &&
  status.sources.every(({ error }) => error === null) &&
  status.jobs.every(({ error }) => error === null) &&
  status.enforcers.every(({ state }) => state !== "drifted" && state !== "failed");

/** What it does, as it is: in enforce mode too nobody is blocked where no enforcer blocks. */
function doing({ mode, demo, enforcers, halts }: Status): string {
  if (halts.some(({ name }) => name === "panic"))
    return "is in panic: it reads and records, and bans and blocks nobody";
  if (mode === "observe")
    return `${demo ? "plays the demo, " : "is "}observing: it decides and records, and blocks nothing`;
  if (demo) return "plays the demo: it decides and records, and nobody is blocked";
  if (enforcers.length === 0) return "is enforcing, but no enforcer is configured: nobody is blocked";
  if (enforcers.every(({ name }) => name === "dry-run"))
    return "is enforcing, but dry-run is its only enforcer: nobody is blocked";
  if (enforcers.every(({ name, state }) => name === "dry-run" || state === "failed"))
    return "is enforcing, but no enforcer works: see below";
  return "is enforcing: what is banned is blocked";
}

export function statusText(context: CliContext, status: Status, dashboard: string): string {
  const { sources, enforcers, lists, jobs } = status;
  const parts = [
    `${painter(context)("bold", `Sekisho ${printable(status.version)}`)} ${doing(status)}\n`,
    overview(context, status, dashboard),
    section(
      context,
      "Sources",
      sources.map((source) => sourceRow(context, source)),
      "no log is read",
      { cut: [1, 3] },
    ),
    section(
      context,
      "Enforcers",
      enforcers.map((enforcer) => enforcerRow(context, enforcer)),
      "none is configured",
    ),
    lists.length === 0
      ? null
      : section(
          context,
          "Lists",
          lists.map((list) => listRow(context, list)),
          "none",
        ),
    section(
      context,
      "Jobs",
      jobs.map((job) => jobRow(context, job)),
      "none",
    ),
    cutNote(context, status.cut),
    verdict(context, status),
  ];
  return parts.filter((part) => part !== null).join("\n");
}

function overview(context: CliContext, status: Status, dashboard: string): string {
  const kinds = ["access", "opening", "error", "audit", "unparsed"] as const;
  const amount = (number: number): string => number.toLocaleString("en");
  return table(context, [
    ["up", span(status.uptimeSeconds * 1000)],
    ["dashboard", dashboard],
    ["bans", bansText(status.bans)],
    ["incidents", `${amount(status.incidents.open)} open`],
    ["WebSockets", `${amount(status.sockets.open)} open`],
    ["cutting", cutText(status.cut)],
    ["rules", amount(status.rules)],
    ["counting", countingText(status.counting)],
    ["database", databaseText(status.database)],
    ["events", kinds.map((kind) => `${amount(status.events[kind])} ${kind}`).join(", ")],
  ]);
}

/** All that is wrong, each with what to do about it. */
function verdict(context: CliContext, status: Status): string {
  const paint = painter(context);
  const problems = problemsOf(status);
  if (problems.length === 0) return paint("green", "Nothing is wrong.\n");
  const told = ({ message, hint }: Problem): string =>
    `${paint("red", "problem:")} ${printableLines(message)}\n${hint === null ? "" : `   hint: ${printableLines(hint)}\n`}`;
  return problems.map(told).join("");
}

/** Null where open connections are closed, or are to stay. */
function cutNote(context: CliContext, { error, hint }: CutStatus): string | null {
  if (error === null) return null;
  return `${painter(context)("yellow", "note:")} ${printableLines(error)}\n   hint: ${printableLines(hint ?? "")}\n`;
}

/** Of open connections. Where it fails bans hold all the same, so that is a note and no problem. */
function cutText({ state, closed, note }: CutStatus): string {
  if (state !== "on") return state === "off" ? "off" : "failed, see below";
  return `${count(closed, "connection")} of banned clients closed${note === null ? "" : `; ${note}`}`;
}

const bansText = ({ active, ineffective }: Status["bans"]): string =>
  `${active.toLocaleString("en")} active${ineffective === 0 ? "" : `, ${ineffective.toLocaleString("en")} let their clients through`}`;

function countingText({ subjects, givenUp, givenUpAt }: CountingStatus): string {
  const present = count(subjects, "subject");
  if (givenUpAt === null) return present;
  return `${present}; ${givenUp.toLocaleString("en")} gave way to others, last at ${moment(givenUpAt)}`;
}

function databaseText({ bytes, budget, eventsSince }: DatabaseStatus): string {
  const since = eventsSince === null ? "no events" : `events since ${moment(eventsSince)}`;
  return `${size(bytes)} of ${size(budget)}, ${since}`;
}

function section(
  context: CliContext,
  title: string,
  rows: readonly (readonly (string | Cell)[])[],
  none: string,
  fit?: Fit,
): string {
  const body = rows.length === 0 ? `${none}\n` : table(context, rows, fit);
  return `${painter(context)("bold", title)}\n${indented(body)}`;
}

const STATE_STYLES: Readonly<Record<EnforcerState, Style>> = {
  "in-sync": "green",
  pending: "yellow",
  drifted: "red",
  failed: "red",
  off: "dim",
};

function sourceRow(context: CliContext, source: SourceStatus): (string | Cell)[] {
  const state: Cell =
    source.error === null ? { text: "ok", style: "green" } : { text: "failed", style: "red" };
  return [
    state,
    { text: source.path, keepsEnd: true },
    source.kind,
    source.format,
    { text: count(source.lines, "line"), right: true },
    source.unparsed === 0
      ? ""
      : { text: `${source.unparsed.toLocaleString("en")} unparsed`, style: "yellow" },
    source.lagBytes === 0 ? "" : { text: `${size(source.lagBytes)} behind`, style: "yellow" },
    source.lastEventAt === null ? "no event yet" : `last ${ago(context, source.lastEventAt)}`,
    source.audit === null
      ? ""
      : `caused ${source.audit.bans} of at most ${source.audit.limit.toLocaleString("en")} bans a day`,
  ];
}

function enforcerRow(context: CliContext, enforcer: EnforcerStatus): (string | Cell)[] {
  const missing = enforcer.unenforced.length;
  return [
    { text: enforcer.state, style: STATE_STYLES[enforcer.state] },
    enforcer.name,
    { text: count(enforcer.blocks, "block"), right: true },
    enforcer.lastReconciledAt === null ? "" : `reconciled ${ago(context, enforcer.lastReconciledAt)}`,
    enforcer.provenAt ? `proven ${ago(context, enforcer.provenAt)}` : "",
    enforcer.repaired === undefined ? "" : `${count(enforcer.repaired, "difference")} repaired`,
    enforcer.nextApplyAt === null ? "" : `applies ${ahead(context, enforcer.nextApplyAt)}`,
    missing === 0
      ? ""
      : { text: `${count(missing, "target")} not carried: ${someOf(enforcer.unenforced)}`, style: "yellow" },
    enforcer.note ?? "",
  ];
}

/** What is wrong with a list is among the problems. */
export function listRow(context: CliContext, list: ListStatus): (string | Cell)[] {
  const noted = (amount: number, what: string): Cell | string =>
    amount === 0 ? "" : { text: `${amount.toLocaleString("en")} ${what}`, style: "yellow" };
  return [
    list.error === null ? { text: "ok", style: "green" } : { text: "problem", style: "red" },
    list.name,
    list.kind,
    { text: `${list.entries.toLocaleString("en")} ${list.entries === 1 ? "entry" : "entries"}`, right: true },
    list.fetchedAt === null ? "never fetched" : `fetched ${ago(context, list.fetchedAt)}`,
    list.nextFetchAt === null ? "" : `again ${ahead(context, list.nextFetchAt)}`,
    noted(list.wrong, "wrong"),
    noted(list.refused, "refused"),
    noted(list.spared, "spared"),
    list.ownAndPrivate === "leave-out" ? "without own and private" : "",
    list.examples.length === 0 ? "" : `first: ${list.examples[0]}`,
  ];
}

const NAMED_TARGETS = 3;

function someOf(targets: readonly string[]): string {
  const more = targets.length - NAMED_TARGETS;
  return `${targets.slice(0, NAMED_TARGETS).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const jobRow = (context: CliContext, job: JobStatus): (string | Cell)[] => [
  job.error === null ? { text: "ok", style: "green" } : { text: "failed", style: "red" },
  job.name,
  job.schedule,
  job.lastRunAt === null ? "" : `ran ${ago(context, job.lastRunAt)}`,
  job.nextRunAt === null ? "" : `runs ${ahead(context, job.nextRunAt)}`,
];

interface Problem {
  readonly message: string;
  readonly hint: string | null;
}

function problemsOf(status: Status): Problem[] {
  const found: Problem[] = [...status.problems];
  for (const { path, error, hint } of status.sources) {
    if (error !== null) found.push({ message: `${path}: ${error}`, hint });
  }
  for (const { name, state, error, hint } of status.enforcers) {
    if (error !== null) found.push({ message: `${name}: ${error}`, hint });
    else if (state === "drifted" || state === "failed") found.push({ message: `${name} is ${state}`, hint });
  }
  for (const { name, error } of status.jobs) {
    if (error !== null) found.push({ message: `job ${name}: ${error}`, hint: null });
  }
  return found;
}

export const ago = (context: CliContext, time: string): string =>
  `${span(context.clock.now() - Date.parse(time))} ago`;
const ahead = (context: CliContext, time: string): string =>
  `in ${span(Date.parse(time) - context.clock.now())}`;
