import { SekishoError } from "../model/errors.ts";
import type { RuleMode, RuleStatus } from "../model/rule-status.ts";
import { printable } from "../model/safe-text.ts";
import { ruleChange, ruleItem } from "../rule-items.ts";
import { loadSetup, type Setup } from "../setup.ts";
import { connectToDaemon } from "./client.ts";
import type { CliContext } from "./context.ts";
import { type Style, writeJson } from "./output.ts";
import { noSuchRule } from "./rule-name.ts";
import { changeOf, configuredRule, type ListedRule, storyText } from "./rule-story.ts";
import { type Cell, heads, table } from "./table.ts";

export interface RulesOptions {
  readonly json?: boolean;
  readonly config?: string;
}

/** Lists the rules, or tells all of one. */
export async function tellRules(
  context: CliContext,
  id: string | undefined,
  { config, json = false }: RulesOptions,
): Promise<void> {
  const setup = loadSetup({ file: config, cwd: context.cwd });
  const told = await toldByDaemon(context, config);
  const rules = listed(setup, told);
  if (id !== undefined) {
    const rule = rules.find((each) => each.id === id);
    if (rule === undefined)
      throw noSuchRule(
        id,
        rules.map((each) => each.id),
      );
    const change = changeOf(setup, rule);
    if (json) writeJson(context, { ...rule, change });
    else context.stdout(storyText(context, rule, change, configuredRule(setup, id)?.spec.bucket));
  } else if (json) writeJson(context, { items: rules, next: null });
  else context.stdout(listText(context, rules, setup, told !== null));
}

/** Null where no daemon answers: that is told only where one may run. */
async function toldByDaemon(
  context: CliContext,
  config: string | undefined,
): Promise<readonly RuleStatus[] | null> {
  try {
    const daemon = await connectToDaemon(context, config);
    return await daemon.collection<RuleStatus>("/api/rules");
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error;
    if (error.code === "DAEMON_NOT_RUNNING") return null;
    if (error.code !== "DAEMON_REFUSED") throw error;
    context.stderr(
      `warning: going on without the daemon: ${printable(error.message)}\n   hint: ${printable(error.hint)}\n`,
    );
    return null;
  }
}

/** As the daemon runs them, where it does; a file that was changed since is read by it at the next SIGHUP. */
function listed(setup: Setup, told: readonly RuleStatus[] | null): ListedRule[] {
  const rules = new Map<string, ListedRule>();
  for (const rule of [...setup.rules, ...setup.off]) {
    const change = ruleChange(setup, rule.id, rule.spec);
    rules.set(rule.id, { ...ruleItem(rule), change, lastDay: null, nearMisses: null });
  }
  for (const rule of told ?? []) rules.set(rule.id, rule);
  return [...rules.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

const STYLES: Readonly<Record<RuleMode, Style | null>> = { enforce: null, observe: "yellow", off: "dim" };

function listText(
  context: CliContext,
  rules: readonly ListedRule[],
  { mode }: Setup,
  isRunning: boolean,
): string {
  const ofDay = isRunning ? ["findings", "bans", "near"].map((text) => ({ text, right: true })) : [];
  const head = heads("rule", "mode", "severity", "looks at", ...ofDay, "fires at");
  const rows = rules.map((rule) => {
    const style = STYLES[rule.mode];
    const { id, severity, events, firesAt } = rule;
    return [
      id,
      { text: rule.mode, ...(style !== null && { style }) },
      severity,
      events,
      ...(isRunning ? dayCells(rule) : []),
      firesAt,
    ];
  });
  const notes = [
    isRunning
      ? "Findings, bans and near misses are of the last day."
      : "No daemon answers, so what they led to is not known.",
    ...(mode === "observe" ? ["The configuration observes: whoever they ban is not blocked."] : []),
    "All of one: sekisho rules RULE",
  ];
  return `${table(context, [head, ...rows], {
    drop: [3, 2],
    cut: [head.length - 1],
    least: 18,
  })}\n${notes.join("\n")}\n`;
}

/** Where there is nothing to look at nothing draws the eye. */
const dayCells = ({ lastDay, nearMisses }: ListedRule): Cell[] =>
  [lastDay?.findings, lastDay?.bans, nearMisses?.length].map((count = 0) => ({
    text: count === 0 ? "-" : count.toLocaleString("en"),
    right: true,
  }));
