import { join } from "node:path";
import { trustOf } from "./config/audit-log.ts";
import { type LoadedConfig, loadConfig } from "./config/load.ts";
import { loadRuleSet, type RuleSet, type SiteRule } from "./config/load-rules.ts";
import { readParsedRules } from "./config/parsed-rules.ts";
import { PARSED_RULES } from "./config/parsed-rules-file.ts";
import type { Config } from "./config/schema.ts";
import { storedRanges } from "./crawlers/ranges.ts";
import { compileRules } from "./evaluate/compile-rule.ts";
import type { NamedRule } from "./evaluate/rule-schema.ts";
import type { IngestSettings } from "./ingest/messages.ts";
import type { AllowItem, Mode } from "./model/api.ts";
import type { SourceKind } from "./model/event.ts";
import { createParser } from "./parse/formats.ts";
import type { StoreReader } from "./store/reader.ts";

/** The folder that holds rules/ and the built page, in a checkout as in an installation. */
export const PACKAGE_ROOT = join(import.meta.dirname, "..");

/** Where a running daemon tells the command line how to reach it. */
export const daemonFile = (data: string): string => join(data, "daemon.json");
export const databaseFile = (data: string, demo = false): string =>
  join(data, demo ? "demo.sqlite" : "sekisho.sqlite");

/** Everything that a run needs, read and checked; nothing has been started. */
export interface Setup extends LoadedConfig {
  readonly mode: Mode;
  readonly rules: readonly NamedRule[];
  /** Rules that do not run. */
  readonly off: readonly NamedRule[];
  /** What the site's own folder adds and changes. */
  readonly site: readonly SiteRule[];
  /** The folder that the rules came from. */
  readonly rulesFolder: string;
}

export interface SetupOptions {
  /** `--config`. */
  readonly file?: string | undefined;
  /** `--mode`, which wins over the file's. */
  readonly mode?: Mode | undefined;
  /** A folder of rules that is used whole in the place of the configured ones, the site's too. */
  readonly rules?: string | undefined;
  readonly cwd: string;
}

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID, LOG_FORMAT_INVALID or RULE_INVALID, with all that is wrong. */
export function loadSetup({ file, mode, rules, cwd }: SetupOptions): Setup {
  const loaded = loadConfig({ file, cwd, checkFormat });
  const rulesFolder = rules ?? loaded.config.rules ?? join(PACKAGE_ROOT, "rules");
  const { siteRules: configured = null, origins } = loaded.config;
  const siteRules = rules === undefined ? configured : null;
  const ruleSet = readRuleSet(rulesFolder, siteRules, origins);
  return { ...loaded, mode: mode ?? loaded.config.mode, ...ruleSet, rulesFolder };
}

/** The rules that run, known to compile, those that do not, and what the site's own folder adds and changes. */
export function readRuleSet(
  folder: string,
  siteRules: string | null,
  origins: readonly string[],
): RuleSet & Pick<Setup, "off"> {
  const { rules, site } = loadRuleSet(folder, siteRules, readParsedRules(PARSED_RULES));
  const running = rules.filter(({ spec }) => spec.mode !== "off");
  compileRules(running, { origins: new Set(origins) });
  return { rules: running, off: rules.filter(({ spec }) => spec.mode === "off"), site };
}

/** Throws LOG_FORMAT_INVALID; `auto` is decided by the file's first lines. */
export function checkFormat(kind: SourceKind, format: string): void {
  if (kind !== "access" || format !== "auto") createParser(kind, format, null);
}

/** What the configuration allows, as the allowlist shows it. */
export const allowlistOf = ({ allowlist }: Config): AllowItem[] =>
  allowlist.map((target) => ({
    target,
    by: "configuration",
    reason: "allowlist in the configuration",
    at: null,
  }));

export function ingestSettings({
  config,
  mode,
  rules,
}: Pick<Setup, "config" | "mode" | "rules">): IngestSettings {
  return {
    mode,
    logs: config.logs.map((log) => ({
      path: log.path,
      kind: log.kind,
      format: log.format,
      timezone: log.timezone ?? null,
      fields: log.fields ?? null,
      rotatedTo: log.rotatedTo ?? null,
      trust: trustOf(log),
    })),
    rules,
    origins: config.origins,
    allowlist: config.allowlist,
    trustedProxies: config.trustedProxies,
    policy: config.policy,
    crawlers: { ranges: storedRanges(config.data), dns: config.crawlers.dns },
  };
}

/** Settings whose change shows only after a restart. */
export function needRestart(before: Setup, after: Setup): string[] {
  const fixed = (setup: Setup) => ({
    data: setup.config.data,
    dashboard: setup.config.dashboard,
    "store.unparsed": setup.config.store.unparsed,
  });
  const old = fixed(before);
  return Object.entries(fixed(after))
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(old[key as keyof typeof old]))
    .map(([key]) => key);
}

/** The mode by which blocks are made: in panic nothing is enforced, whatever the configuration says. */
export const presentMode = ({ mode }: Setup, reader: StoreReader): Mode =>
  reader.halts().some(({ name }) => name === "panic") ? "observe" : mode;
