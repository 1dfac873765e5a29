import type { Decision } from "../model/decision.ts";
import { printable } from "../model/safe-text.ts";
import { toIso, toIsoOrNull } from "../model/time.ts";
import { looksInnocent } from "../replay/ban-effects.ts";
import type { Replayed } from "../replay/replay.ts";
import type { Verdict } from "../replay/verdict.ts";
import { nearMissItem } from "../rule-items.ts";
import type { CliContext } from "./context.ts";
import { NEAR_MISS_HEADS, nearMissCells } from "./near-miss-cells.ts";
import { count } from "./output.ts";
import { type Cell, table } from "./table.ts";

const linesIn = ({ events }: Replayed): number =>
  events.access + events.opening + events.error + events.audit + events.unparsed;

/** `nearMisses`: tell of them, too. */
export function replayJson(result: Replayed, seconds: number, nearMisses: boolean) {
  const lines = linesIn(result);
  const { verdict, other } = result;
  return {
    lines,
    events: result.events,
    ...verdictJson(verdict, nearMisses),
    breaker: verdict.halt === null ? null : { at: toIso(verdict.halt.since), reason: verdict.halt.reason },
    ...(other === null ? {} : { compared: comparedJson(verdict, other, nearMisses) }),
    seconds: Number(seconds.toFixed(3)),
    linesPerSecond: Math.round(lines / Math.max(seconds, 0.001)),
  };
}

const verdictJson = (verdict: Verdict, nearMisses: boolean) => ({
  findings: verdict.findings.map((finding, index) => ({
    rule: finding.rule,
    title: finding.title,
    severity: finding.severity,
    subject: finding.subject,
    firstSeen: toIso(finding.firstSeen),
    lastSeen: toIso(finding.lastSeen),
    count: finding.count,
    evidence: finding.evidence,
    spared: verdict.spared[index],
  })),
  decisions: verdict.decisions.map((decision) => decisionJson(decision, verdict)),
  ...(nearMisses ? { nearMisses: nearMissItems(verdict) } : {}),
});

/** In the order of the rules' ids, the nearest of each first. */
const nearMissItems = (verdict: Verdict) =>
  [...verdict.nearMisses()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([rule, misses]) => misses.map((miss) => ({ rule, ...nearMissItem(miss) })));

function decisionJson(decision: Decision, { effects }: Verdict) {
  const { target, kind, rule, reason, at, until } = decision;
  const effect = effects.of(decision);
  return {
    target,
    kind,
    rule,
    reason,
    at: toIso(at),
    until: toIsoOrNull(until),
    stopped: effect.stopped,
    served: effect.served,
    looksInnocent: looksInnocent(effect),
  };
}

const comparedJson = (verdict: Verdict, other: Verdict, nearMisses: boolean) => ({
  ...verdictJson(other, nearMisses),
  added: firstBans(other, verdict).map((decision) => decisionJson(decision, other)),
  removed: firstBans(verdict, other).map((decision) => decisionJson(decision, verdict)),
});

/** The first ban of each target that one verdict has and the other has not. */
function firstBans({ decisions }: Verdict, other: Verdict): Decision[] {
  const known = new Set(other.decisions.map(({ target }) => target));
  return decisions.filter(({ target }) => !known.has(target) && known.add(target));
}

/** How often somebody was spared, by reason. */
function sparedLines(spared: Verdict["spared"]): string[] {
  const reasons = new Map<string, number>();
  for (const why of spared) if (why !== null) reasons.set(why, (reasons.get(why) ?? 0) + 1);
  return [...reasons].map(([why, times]) => `${times} spared: ${printable(why)}`);
}

/** `nearMisses`: tell of them, too. */
export function replayText(
  context: CliContext,
  result: Replayed,
  seconds: number,
  nearMisses: boolean,
): string {
  const { events, reasons, verdict, other } = result;
  const { decisions, findings, spared, halt } = verdict;
  const unparsed = [...reasons].map(([reason, amount]) => `${reason} ${amount}`).join(", ");
  const head = [
    `${count(linesIn(result), "line")} in ${seconds.toFixed(2)} s: ${events.access} access, ${events.error} error, ${events.audit} audit` +
      (events.opening === 0 ? "" : `, ${count(events.opening, "opening")} of WebSockets`) +
      (events.unparsed === 0 ? "" : `, ${events.unparsed} did not parse (${unparsed})`),
    `${count(findings.length, "finding")}, ${count(decisions.length, "ban")}${stoppedText(verdict)}`,
    ...sparedLines(spared),
    ...(halt === null
      ? []
      : [`the circuit breaker would have opened at ${toIso(halt.since)}: ${halt.reason}`]),
  ];
  const parts = [
    banTable(context, decisions, verdict),
    innocentsText(context, verdict),
    ...(nearMisses ? [nearMissText(context, verdict)] : []),
    ...(other === null ? [] : comparedText(context, verdict, other)),
  ];
  return [`${head.join("\n")}\n`, ...parts.filter((part) => part !== "")].join("\n");
}

function stoppedText({ decisions, effects }: Verdict): string {
  const stopped = decisions.reduce((sum, decision) => sum + effects.of(decision).stopped, 0);
  return decisions.length === 0 ? "" : `, which would have stopped ${count(stopped, "request")}`;
}

function banTable(context: CliContext, decisions: readonly Decision[], { effects }: Verdict): string {
  if (decisions.length === 0) return "";
  const rows = decisions.map((decision): (string | Cell)[] => [
    decision.target,
    toIso(decision.at),
    toIsoOrNull(decision.until) ?? "permanent",
    { text: String(effects.of(decision).stopped), right: true },
    decision.rule ?? "",
    printable(decision.reason),
  ]);
  const head = ["TARGET", "FROM", "UNTIL", "STOPPED", "RULE", "REASON"];
  return table(context, [head, ...rows], { drop: [2], cut: [5, 4] });
}

/** Whom to look at before these rules enforce. */
function innocentsText(
  context: CliContext,
  { decisions, effects }: Pick<Verdict, "decisions" | "effects">,
): string {
  const rows = decisions.flatMap((decision) => {
    const why = looksInnocent(effects.of(decision));
    return why === null ? [] : [[decision.target, decision.rule ?? "", why]];
  });
  if (rows.length === 0) return "";
  return `Look at ${rows.length === 1 ? "this one" : "these"} first: somebody innocent may be among them.\n${table(context, [["TARGET", "RULE", "WHY"], ...rows])}`;
}

function nearMissText(context: CliContext, verdict: Verdict): string {
  const items = nearMissItems(verdict);
  if (items.length === 0) return "Nobody came near a threshold without a finding.\n";
  const rows = items.map(({ rule, ...miss }) => [rule, ...nearMissCells(miss)]);
  const head = "Near misses: who came near a threshold and was not found.\n";
  return `${head}${table(context, [["RULE", ...NEAR_MISS_HEADS], ...rows])}`;
}

function comparedText(context: CliContext, verdict: Verdict, other: Verdict): string[] {
  const added = firstBans(other, verdict);
  const removed = firstBans(verdict, other);
  if (added.length === 0 && removed.length === 0)
    return ["With the changed rules the same targets would have been banned.\n"];
  const head =
    `With the changed rules: ${count(other.findings.length, "finding")}, ${count(other.decisions.length, "ban")}; ` +
    `targets that are banned only then ${added.length}, no longer ${removed.length}.\n`;
  const part = (title: string, decisions: readonly Decision[], whose: Verdict): string =>
    decisions.length === 0 ? "" : `${title}\n${banTable(context, decisions, whose)}`;
  return [
    head,
    part("Added", added, other),
    part("Removed", removed, verdict),
    innocentsText(context, { decisions: added, effects: other.effects }),
  ];
}
