import { existsSync, globSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { storedRanges } from "../crawlers/ranges.ts";
import { Protected, protectedBy } from "../decide/protected.ts";
import type { NamedRule } from "../evaluate/rule-schema.ts";
import { SekishoError } from "../model/errors.ts";
import { type Finding, SEVERITIES, type Severity } from "../model/finding.ts";
import { printable } from "../model/safe-text.ts";
import { replay } from "../replay/replay.ts";
import { ingestSettings, loadSetup, readRuleSet, type Setup } from "../setup.ts";
import { STANDARD_INPUT } from "../tail/read-log.ts";
import type { CliContext } from "./context.ts";
import { writeJson } from "./output.ts";
import { replayJson, replayText } from "./replay-report.ts";
import { reportError } from "./report-error.ts";
import { noSuchRule } from "./rule-name.ts";
import { poorLog, unknownLog } from "./unknown-log.ts";

export interface ReplayOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** commander's spelling of --no-allowlist. */
  readonly allowlist: boolean;
  readonly rules?: string;
  readonly rule?: readonly string[];
  readonly compare?: string;
  readonly format?: string;
  readonly timezone?: string;
  readonly nearMisses?: boolean;
  readonly failOn?: Severity;
}

const PROGRESS_EVERY_BYTES = 4 * 2 ** 20;

/** Runs logs through the rules, and says what came of it. */
export async function replayLogs(
  context: CliContext,
  files: readonly string[],
  options: ReplayOptions,
): Promise<void> {
  // The heap's young half grows to its full size at once: a tenth less time, measured, for what lives as long as we do.
  setFlagsFromString("--semi-space-growth-factor=16");
  const folder = options.rules === undefined ? undefined : resolve(context.cwd, options.rules);
  const setup = loadSetup({ file: options.config, rules: folder, cwd: context.cwd });
  const { config } = setup;
  const paths = logPaths(context, files);
  const started = performance.now();
  const result = await replay({
    files: paths,
    rules: namedBy(options.rule, setup.rules),
    otherRules: otherRules(context, setup, options),
    origins: config.origins,
    policy: config.policy,
    crawlers: storedRanges(config.data),
    protectedTargets: options.allowlist
      ? protectedBy(config.allowlist, config.trustedProxies)
      : Protected.nobody,
    format: options.format ?? null,
    timezone: checkedTimezone(options.timezone),
    trustedProxies: config.trustedProxies,
    logs: ingestSettings(setup).logs,
    onProgress: progress(context, paths),
  });
  const seconds = (performance.now() - started) / 1_000;
  const nearMisses = options.nearMisses === true;
  if (options.json === true) writeJson(context, replayJson(result, seconds, nearMisses));
  else context.stdout(replayText(context, result, seconds, nearMisses));
  const limit = options.failOn;
  const severe = (finding: Finding): boolean =>
    limit !== undefined && SEVERITIES.indexOf(finding.severity) >= SEVERITIES.indexOf(limit);
  if (result.verdict.findings.some(severe)) context.exitStatus = 1;
  for (const { message, hint } of result.poor.map(poorLog))
    context.stderr(`warning: ${printable(message)}\n   hint: ${hint}\n`);
  for (const log of result.unknown) reportError(context, unknownLog(log));
  for (const error of result.damaged) context.exitStatus = reportError(context, error);
}

function logPaths({ cwd }: CliContext, files: readonly string[]): string[] {
  if (files.filter((file) => file === STANDARD_INPUT).length > 1)
    throw new SekishoError("USAGE", "standard input can be read once", "name - once");
  const paths = files.flatMap((file) => (file === STANDARD_INPUT ? file : expanded(resolve(cwd, file))));
  const twice = paths.find((path, at) => paths.indexOf(path) < at);
  if (twice !== undefined)
    throw new SekishoError(
      "USAGE",
      `${twice} is named twice, so each line would count twice`,
      "name it once",
    );
  return paths;
}

/** After sudo a star is still one, where the person's own shell may not list the folder of Apache's logs. */
function expanded(path: string): string[] {
  if (!/[*?]/.test(path) || existsSync(path)) return [path];
  const found = globSync(path).sort();
  return found.length === 0 ? [path] : found;
}

/** The same rules with other changes: those of `--compare` in place of the site's. */
function otherRules(
  context: CliContext,
  { rulesFolder, config }: Setup,
  { compare, rule }: ReplayOptions,
): readonly NamedRule[] | null {
  if (compare === undefined) return null;
  const changes = resolve(context.cwd, compare);
  return namedBy(rule, readRuleSet(rulesFolder, changes, config.origins).rules);
}

function namedBy(ids: readonly string[] | undefined, rules: readonly NamedRule[]): readonly NamedRule[] {
  if (ids === undefined) return rules;
  const known = rules.map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined) throw noSuchRule(unknown, known);
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

const BAR_WIDTH = 30;

/** Shows on a terminal how much has been read. */
function progress(context: CliContext, files: readonly string[]): (bytes: number) => void {
  if (process.stderr.isTTY !== true || files.includes(STANDARD_INPUT)) return () => {};
  const total = files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  let read = 0;
  let told = 0;
  return (bytes) => {
    read += bytes;
    if (read - told < PROGRESS_EVERY_BYTES && read < total) return;
    told = read;
    context.stderr(read >= total ? CLEAR_LINE : progressLine(read / total));
  };
}

const CLEAR_LINE = `\r${" ".repeat(BAR_WIDTH + 8)}\r`;

/** `part`: from 0 to 1. */
export function progressLine(part: number): string {
  const done = Math.floor(BAR_WIDTH * part);
  const percent = String(Math.floor(100 * part)).padStart(3);
  return `\r${"█".repeat(done)}${"░".repeat(BAR_WIDTH - done)} ${percent} %`;
}
