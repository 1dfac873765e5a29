import { resolve } from "node:path";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import type { RuleSet, SiteRule } from "../config/load-rules.ts";
import type { Config } from "../config/schema.ts";
import type { ConfigWarning } from "../config/warnings.ts";
import type { ListCheck } from "../lists/imported-list.ts";
import { SekishoError } from "../model/errors.ts";
import type { SourceKind } from "../model/event.ts";
import { printable } from "../model/safe-text.ts";
import type { UnixMs } from "../model/time.ts";
import { headersNotShown } from "../parse/named-formats.ts";
import { checkDataFolder, type DataCheck } from "./check-data.ts";
import { listCheckRow, listWarnings } from "./check-lists.ts";
import { checkLogs, type LogCheck } from "./check-logs.ts";
import { urlOf } from "./client.ts";
import type { CliContext } from "./context.ts";
import { count, painter, size, writeJson } from "./output.ts";
import { reportError } from "./report-error.ts";
import { type Cell, indented, table } from "./table.ts";
import { poorLog } from "./unknown-log.ts";

/** What `check` asks of the stages. None of it changes anything. */
export interface CheckStages {
  /** Throws LOG_FORMAT_INVALID. */
  readonly checkFormat: (kind: SourceKind, format: string) => void;
  /** The rules that run, all compiled. Throws RULE_INVALID or CONFIG_UNREADABLE. */
  readonly checkRules: (folder: string, siteRules: string | null, origins: readonly string[]) => RuleSet;
  /** The folder of rules that Sekisho ships. */
  readonly shippedRules: string;
  /** The name of the access format that these first lines have; null when it is none that is known. */
  readonly detectFormat: (lines: readonly string[]) => string | null;
  /** Whether blocks of each configured enforcer would have an effect. */
  readonly probeEnforcers: (config: Config) => Promise<readonly EnforcerCheck[]>;
  /** Why the dashboard could not be where it is to be; null when it could, or when a Sekisho is there. */
  readonly checkListen: (config: Config) => Promise<SekishoError | null>;
  /** Why the dashboard's access token would be refused; null when it would not. */
  readonly checkToken: (config: Config) => SekishoError | null;
  /** Why connections of banned clients would stay open; null when they are closed, or are to stay. */
  readonly probeCut: (config: Config) => Promise<SekishoError | null>;
  /** What imported lists would have; nothing is fetched. */
  readonly checkLists: (config: Config) => Promise<readonly ListCheck[]>;
  /** Logs that logrotate moves to where their generations are not looked for. */
  readonly checkRotation: (config: Config) => readonly ConfigWarning[];
  /** What in Apache's configuration, its main file or the usual one, keeps blocks from having an effect. */
  readonly checkApache: (config: Config, main: string | null) => Promise<readonly ConfigWarning[]>;
}

export interface EnforcerCheck {
  readonly name: string;
  readonly error: SekishoError | null;
}

interface Report {
  readonly loaded: LoadedConfig | null;
  readonly data: DataCheck | null;
  readonly rulesFolder: string;
  readonly rules: RuleSet;
  readonly logs: readonly LogCheck[];
  readonly enforcers: readonly EnforcerCheck[];
  readonly lists: readonly ListCheck[];
  /** What does not keep it from running. */
  readonly warnings: readonly { readonly message: string; readonly hint: string }[];
  readonly problems: readonly SekishoError[];
}

export interface CheckOptions {
  readonly json?: boolean;
  readonly config?: string | undefined;
  readonly apacheConfig?: string;
}

/** Looks at all that would run, says what it found, and sets the exit status. */
export async function check(context: CliContext, stages: CheckStages, options: CheckOptions): Promise<void> {
  const report = await reportOf(context, stages, options);
  if (options.json) writeJson(context, reportJson(report));
  else printReport(context, report);
  context.exitStatus = worst(report.problems.map(({ exitStatus }) => exitStatus));
}

async function reportOf(
  context: CliContext,
  stages: CheckStages,
  { config: file, apacheConfig }: CheckOptions,
): Promise<Report> {
  const problems: SekishoError[] = [];
  const attempt = <T>(step: () => T): T | null => {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof SekishoError)) throw error;
      problems.push(error);
      return null;
    }
  };
  const loaded = attempt(() => loadConfig({ file, cwd: context.cwd, checkFormat: stages.checkFormat }));
  const config = loaded?.config;
  const rulesFolder = config?.rules ?? stages.shippedRules;
  const rules = attempt(() =>
    stages.checkRules(rulesFolder, config?.siteRules ?? null, config?.origins ?? []),
  ) ?? { rules: [], site: [] };
  const without = { loaded, rulesFolder, rules, problems };
  if (loaded === null) return { ...without, data: null, logs: [], enforcers: [], lists: [], warnings: [] };
  const main = apacheConfig === undefined ? null : resolve(context.cwd, apacheConfig);
  const found = await foundWith(loaded, stages, main, context.clock.now());
  return { ...without, ...found, problems: [...problems, ...found.problems] };
}

/** What would run with a configuration, and what is in its way. */
async function foundWith(
  loaded: LoadedConfig,
  stages: CheckStages,
  apacheMain: string | null,
  now: UnixMs,
): Promise<Omit<Report, "loaded" | "rulesFolder" | "rules">> {
  const { config } = loaded;
  const data = checkDataFolder(config.data);
  const logs = checkLogs(loaded, stages.detectFormat);
  const enforcers = await stages.probeEnforcers(config);
  const lists = await stages.checkLists(config);
  const problems = [
    ...lists.map(({ problem }) => problem),
    ...[data, ...logs, ...enforcers].map(({ error }) => error),
    await stages.checkListen(config),
    stages.checkToken(config),
  ].filter((problem) => problem !== null);
  const cut = await stages.probeCut(config);
  const apache = await stages.checkApache(config, apacheMain).catch(problemIn(problems));
  const warnings = [
    ...loaded.warnings,
    ...(cut === null ? [] : [cut]),
    ...poorLogs(logs),
    ...listWarnings(lists, now),
    ...stages.checkRotation(config),
    ...apache,
  ];
  return { data, logs, enforcers, lists, warnings, problems };
}

const poorLogs = (logs: readonly LogCheck[]) =>
  logs.flatMap(({ path, kind, format }) => {
    const headers = kind === "access" && format !== null ? headersNotShown(format) : [];
    return headers.length === 0 ? [] : [poorLog({ file: path, format: format!, headers })];
  });

/** For a step that answers with warnings, and throws what is more than that. */
const problemIn =
  (problems: SekishoError[]) =>
  (error: unknown): readonly ConfigWarning[] => {
    if (!(error instanceof SekishoError)) throw error;
    problems.push(error);
    return [];
  };

/** Wrong configuration outranks the environment, and both a refusal: it has to be put right first. */
const worst = (statuses: readonly number[]): number =>
  [70, 2, 3, 1].find((each) => statuses.includes(each)) ?? 0;

const errorJson = (error: SekishoError | null) =>
  error === null ? null : { code: error.code, message: error.message, hint: error.hint };

function reportJson(report: Report): unknown {
  const { loaded, data, rulesFolder, rules, logs, enforcers, lists, warnings, problems } = report;
  return {
    file: loaded?.file ?? null,
    mode: loaded?.config.mode ?? null,
    data: data === null ? null : { ...data, error: errorJson(data.error) },
    rulesFolder,
    rules: rules.rules.map(({ id }) => id),
    siteRules: rules.site,
    logs: logs.map((log) => ({ ...log, error: errorJson(log.error) })),
    enforcers: enforcers.map(({ name, error }) => ({ name, error: errorJson(error) })),
    lists: lists.map(({ name, kind, from, entries, wrong, refused, examples, copy, fetchedAt, problem }) => ({
      ...{ name, kind, from, entries, wrong, refused, examples, copy, fetchedAt },
      error: errorJson(problem),
    })),
    dashboard: loaded === null ? null : urlOf(loaded.config.dashboard.listen),
    warnings: warnings.map(({ message, hint }) => ({ message, hint })),
    problems: problems.map(errorJson),
  };
}

function printReport(context: CliContext, report: Report): void {
  const paint = painter(context);
  if (report.loaded !== null) context.stdout(`${summary(context, report, report.loaded)}\n`);
  for (const { message, hint } of report.warnings) {
    context.stdout(`${paint("yellow", "warning:")} ${printable(message)}\n   hint: ${printable(hint)}\n`);
  }
  for (const problem of report.problems) reportError(context, problem);
  const found = report.problems.reduce((sum, { message }) => sum + message.split("\n").length, 0);
  context.stdout(`${verdict(found, report.warnings.length, paint)}\n`);
}

function verdict(problems: number, warnings: number, paint: ReturnType<typeof painter>): string {
  if (problems > 0) return paint("red", `${count(problems, "problem")}; see above.`);
  if (warnings === 0) return paint("green", "Nothing is in the way.");
  return paint("yellow", `Nothing is in the way of a start; ${count(warnings, "warning")}, see above.`);
}

function summary(
  context: CliContext,
  { data, rules, rulesFolder, logs, enforcers, lists }: Report,
  loaded: LoadedConfig,
): string {
  const { config, file } = loaded;
  const state = ({ error }: { readonly error: SekishoError | null }): Cell =>
    error === null ? { text: "ok", style: "green" } : { text: "problem", style: "red" };
  const free = data?.freeBytes === null || data === null ? "" : `, ${size(data.freeBytes)} free`;
  const listed = (rows: readonly (readonly (string | Cell)[])[], none: string): string =>
    indented(rows.length === 0 ? `${none}\n` : table(context, rows));
  return [
    table(context, [
      ["configuration", file ?? "none: defaults, and Apache's logs where they usually are"],
      ["mode", config.mode],
      ["data", `${config.data}${free}`],
      ["rules", rulesText(rules, rulesFolder, config.siteRules ?? null)],
      ["dashboard", urlOf(config.dashboard.listen)],
    ]),
    ...(rules.site.length === 0 ? [] : ["Site rules\n", listed(rules.site.map(siteRuleRow), "")]),
    "Logs\n",
    listed(
      logs.map((log) => [state(log), log.path, log.kind, log.format ?? ""]),
      file === null
        ? "none; `sekisho run` would play its demo"
        : "none: `sekisho run` would watch nothing, and play no demo",
    ),
    "Enforcers\n",
    listed(
      enforcers.map((enforcer) => [state(enforcer), enforcer.name]),
      "none: bans are recorded and block nothing",
    ),
    ...(lists.length === 0
      ? []
      : [
          "Lists\n",
          listed(
            lists.map((list) => listCheckRow(context, list)),
            "",
          ),
        ]),
  ].join("");
}

function rulesText({ rules, site }: RuleSet, folder: string, siteFolder: string | null): string {
  const added = site.filter(({ kind }) => kind === "added").length;
  const changed = site.length - added;
  const own = siteFolder === null ? "" : `; ${added} added and ${changed} changed in ${siteFolder}`;
  return `${rules.length} from ${folder}${own}`;
}

const siteRuleRow = ({ id, kind, changes }: SiteRule): string[] => [kind, id, changes.join("; ")];
