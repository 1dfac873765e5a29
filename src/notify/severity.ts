import type { Severity } from "../model/finding.ts";

/** How much a person should mind what the daemon says of itself; null for what nobody need be told. */
const SEVERITY_OF: Readonly<Record<string, Severity>> = {
  "daemon.started": "info",
  "daemon.stopping": "info",
  "configuration.reloaded": "info",
  "configuration.refused": "medium",
  "ban.lifted": "info",
  "enforcement.changed": "low",
  "ingestion.failed": "critical",
  "problem.appeared": "high",
  // As grave as the problem was, or who was told of it never hears that it has passed.
  "problem.passed": "high",
};

/** A ban is as grave as its rule; one by a person is no news to people. */
export function severityOf(
  signal: string,
  fields: Readonly<Record<string, unknown>>,
  ofRule: (id: string) => Severity | undefined,
): Severity {
  if (signal !== "ban.decided") return SEVERITY_OF[signal] ?? "info";
  return typeof fields.rule === "string" ? (ofRule(fields.rule) ?? "medium") : "low";
}
