import { statSync } from "node:fs";
import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { type Command, Option } from "commander";
import { nearest } from "../config/nearest.ts";
import { Protected, protectedBy } from "../decide/protected.ts";
import type { Decision } from "../model/decision.ts";
import { SekishoError } from "../model/errors.ts";
import { type Finding, SEVERITIES, type Severity } from "../model/finding.ts";
import { toIso, toIsoOrNull } from "../model/time.ts";
import { type Replayed, replay, type UnknownLog } from "../replay.ts";
import { ingestSettings, loadSetup, readRules, type Setup } from "../setup.ts";
import { STANDARD_INPUT } from "../tail/read-log.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import { count, printable, table, writeJson } from "./output.ts";
import { reportError } from "./report-error.ts";

interface ReplayOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** commander's spelling of --no-allowlist. */
  readonly allowlist: boolean;
  readonly rules?: string;
  readonly rule?: readonly string[];
  readonly format?: string;
  readonly timezone?: string;
  readonly failOn?: Severity;
}

const PROGRESS_EVERY_BYTES = 32 * 2 ** 20;

export function replayCommand(context: CliContext): Command {
  return subcommand("replay", {
    summary: "Run old logs through the rules: who would have been banned.",
    description:
      "Nothing is stored and nothing is blocked. Several files are merged by the time of their lines.",
    examples: [
      ["sekisho replay /var/log/apache2/access.log", "see who would have been banned, when and why"],
      ["sekisho replay access.log.2.gz access.log.1 access.log", "the same over older generations"],
      ["sekisho replay access.log error.log --json", "the same for a program"],
      [
        "sekisho replay access.log --rule repeated-403 --no-allowlist",
        "one rule only, own addresses included",
      ],
      [`sekisho replay site.log --format '%h %l %u %t "%r" %>s %b'`, "a log in a format of your own"],
    ],
    exits: [
      [0, "the logs were read"],
      [1, "there are findings of the severity that --fail-on names, or worse"],
      [2, "a wrong option, format or rule"],
      [3, "a file cannot be read, or is damaged: then what could be read of it is in the answer"],
    ],
  })
    .argument("<file...>", "access, error or audit logs, also packed by gzip or zstd; - is standard input")
    .option(...CONFIG_OPTION)
    .option("--json", "print one JSON object")
    .option(
      "--no-allowlist",
      "report also whom policy would spare (allowlist, loopback, own addresses, proxies)",
    )
    .option("--rules <dir>", "rules of another folder")
    .option("--rule <id>", "only this rule; may be given again", (id: string, ids?: readonly string[]) => [
      ...(ids ?? []),
      id,
    ])
    .option(
      "--format <format>",
      "common, combined, vhost_combined, sekisho, json, a LogFormat or an ErrorLogFormat string",
    )
    .option("--timezone <name>", "for times without a zone; default: the host's")
    .addOption(
      new Option("--fail-on <severity>", "exit with 1 when there is a finding this severe").choices([
        ...SEVERITIES,
      ]),
    )
    .action((files: string[], options: ReplayOptions) => runReplay(context, files, options));
}

async function runReplay(
  context: CliContext,
  files: readonly string[],
  options: ReplayOptions,
): Promise<void> {
  // The heap's young half grows to its full size at once: a tenth less time, measured, for what lives as long as we do.
  setFlagsFromString("--semi-space-growth-factor=16");
  const setup = loadSetup({ file: options.config, cwd: context.cwd });
  const { config } = setup;
  const started = performance.now();
  const result = await replay({
    files: logPaths(context, files),
    rules: chosenRules(context, setup, options),
    origins: config.origins,
    policy: config.policy,
    protectedTargets: options.allowlist
      ? protectedBy(config.allowlist, config.trustedProxies)
      : Protected.nobody,
    format: options.format ?? null,
    timezone: checkedTimezone(options.timezone),
    trustedProxies: config.trustedProxies,
    logs: ingestSettings(setup).logs,
    onProgress: progress(context, files),
  });
  const seconds = (performance.now() - started) / 1_000;
  if (options.json === true) writeJson(context, replayJson(result, seconds));
  else context.stdout(replayText(context, result, seconds));
  const limit = options.failOn;
  const severe = (finding: Finding): boolean =>
    limit !== undefined && SEVERITIES.indexOf(finding.severity) >= SEVERITIES.indexOf(limit);
  if (result.findings.some(severe)) context.exitStatus = 1;
  for (const log of result.unknown) reportError(context, unknownLog(log));
  for (const error of result.damaged) context.exitStatus = reportError(context, error);
}

function logPaths({ cwd }: CliContext, files: readonly string[]): string[] {
  if (files.filter((file) => file === STANDARD_INPUT).length > 1)
    throw new SekishoError("USAGE", "standard input can be read once", "name - once");
  return files.map((file) => (file === STANDARD_INPUT ? file : resolve(cwd, file)));
}

/** Told beside the result: the log may be empty of meaning, and whoever replays it should not take that for peace. */
export const unknownLog = ({ file, format }: UnknownLog): SekishoError =>
  new SekishoError(
    "LOG_FORMAT_INVALID",
    `no line of ${file === STANDARD_INPUT ? "standard input" : file} parsed ` +
      (format === null
        ? "as an access log in a format that Sekisho knows, an error log or audit events"
        : `as ${format}`),
    format === null
      ? "copy the LogFormat string from Apache's configuration to --format, in single quotes"
      : "leave --format out to have the format found, or copy the LogFormat string that writes this log",
  );

function chosenRules(context: CliContext, setup: Setup, { rules: folder, rule: ids }: ReplayOptions) {
  const rules =
    folder === undefined ? setup.rules : readRules(resolve(context.cwd, folder), setup.config.origins);
  if (ids === undefined) return rules;
  const known = rules.map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    const suggestion = nearest(unknown, known);
    throw new SekishoError(
      "USAGE",
      `there is no rule '${unknown}'`,
      suggestion === null ? `the rules are ${known.join(", ")}` : `did you mean ${suggestion}?`,
    );
  }
  return rules.filter(({ id }) => ids.includes(id));
}

function checkedTimezone(name: string | undefined): string | null {
  if (name === undefined) return null;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name;
  } catch (cause) {
    throw new SekishoError(
      "USAGE",
      `'${name}' is not a time zone`,
      "write an IANA name such as Europe/Berlin or UTC",
      { cause },
    );
  }
}

/** Tells on a terminal how much has been read. */
function progress(context: CliContext, files: readonly string[]): (bytes: number) => void {
  if (process.stderr.isTTY !== true || files.includes(STANDARD_INPUT)) return () => {};
  const total = files.reduce(
    (sum, file) => sum + (statSync(resolve(context.cwd, file), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  let read = 0;
  let told = 0;
  return (bytes) => {
    read += bytes;
    if (read - told < PROGRESS_EVERY_BYTES && read < total) return;
    told = read;
    context.stderr(`\r${Math.floor((100 * read) / Math.max(total, 1))} %${read >= total ? "\r     \r" : ""}`);
  };
}

const linesIn = ({ events }: Replayed): number =>
  events.access + events.opening + events.error + events.audit + events.unparsed;

function replayJson(result: Replayed, seconds: number) {
  const lines = linesIn(result);
  return {
    lines,
    events: result.events,
    findings: result.findings.map((finding, index) => ({
      rule: finding.rule,
      title: finding.title,
      severity: finding.severity,
      subject: finding.subject,
      firstSeen: toIso(finding.firstSeen),
      lastSeen: toIso(finding.lastSeen),
      count: finding.count,
      evidence: finding.evidence,
      spared: result.spared[index],
    })),
    decisions: result.decisions.map(decisionJson),
    breaker: result.halt === null ? null : { at: toIso(result.halt.since), reason: result.halt.reason },
    seconds: Number(seconds.toFixed(3)),
    linesPerSecond: Math.round(lines / Math.max(seconds, 0.001)),
  };
}

const decisionJson = ({ target, kind, rule, reason, at, until }: Decision) => ({
  target,
  kind,
  rule,
  reason,
  at: toIso(at),
  until: toIsoOrNull(until),
});

/** How often somebody was spared, by reason. */
function sparedLines(spared: Replayed["spared"]): string[] {
  const reasons = new Map<string, number>();
  for (const why of spared) if (why !== null) reasons.set(why, (reasons.get(why) ?? 0) + 1);
  return [...reasons].map(([why, times]) => `${times} spared: ${printable(why)}`);
}

function replayText(context: CliContext, result: Replayed, seconds: number): string {
  const { events, decisions, findings, reasons } = result;
  const lines = linesIn(result);
  const unparsed = [...reasons].map(([reason, amount]) => `${reason} ${amount}`).join(", ");
  const head = [
    `${count(lines, "line")} in ${seconds.toFixed(2)} s: ${events.access} access, ${events.error} error, ${events.audit} audit` +
      (events.opening === 0 ? "" : `, ${count(events.opening, "opening")} of WebSockets`) +
      (events.unparsed === 0 ? "" : `, ${events.unparsed} did not parse (${unparsed})`),
    `${count(findings.length, "finding")}, ${count(decisions.length, "ban")}`,
    ...sparedLines(result.spared),
    ...(result.halt === null
      ? []
      : [`the circuit breaker would have opened at ${toIso(result.halt.since)}: ${result.halt.reason}`]),
    "",
  ];
  const bans = decisions.map(({ target, at, until, rule, reason }) => [
    target,
    toIso(at),
    toIsoOrNull(until) ?? "permanent",
    rule ?? "",
    printable(reason),
  ]);
  const rows =
    bans.length === 0 ? "" : table(context, [["TARGET", "FROM", "UNTIL", "RULE", "REASON"], ...bans]);
  return `${head.join("\n")}${rows === "" ? "" : `\n${rows}`}`;
}
