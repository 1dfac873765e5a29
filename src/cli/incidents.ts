import type { Command } from "commander";
import type { IncidentItem } from "../model/api.ts";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { moment, writeJson } from "./output.ts";
import { heads, table } from "./table.ts";

interface IncidentsOptions {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

export const incidentsCommand = (context: CliContext): Command =>
  subcommand("incidents", {
    summary: "List the open incidents: who was found, for what.",
    description:
      "An incident is all that rules found about one subject, banned or not: in observe mode, too, and of rules that only report. One that stays quiet closes by itself.",
    examples: [
      ["sekisho incidents", "those that are open, with their rules and the ban"],
      ["sekisho incidents --all", "also those that are closed"],
      ["sekisho explain 192.0.2.7", "all of one: its findings, the lines, and what may be mistaken"],
      [
        "sekisho incidents --json | jq -r '.items[] | select(.severity == \"critical\").subject'",
        "for programs",
      ],
    ],
    exits: [[0, "listed"], [2, "wrong usage or configuration"], NO_DAEMON],
  })
    .option("--all", "also incidents that are closed")
    .option("--json", "print JSON and nothing else")
    .option(...CONFIG_OPTION)
    .action(async (options: IncidentsOptions) => {
      const daemon = await connectToDaemon(context, options.config);
      const path = options.all ? "/api/incidents" : "/api/incidents?state=open";
      const items = await daemon.collection<IncidentItem>(path);
      if (options.json) writeJson(context, { items, next: null });
      else context.stdout(incidentsText(context, items, options.all === true));
    });

function incidentsText(context: CliContext, incidents: readonly IncidentItem[], all: boolean): string {
  if (incidents.length === 0) return all ? "There are no incidents.\n" : "No incident is open.\n";
  const columns = ["subject", ...(all ? ["state"] : []), "severity", "last seen", "findings", "ban", "rules"];
  const rows = incidents.map((incident) => [
    incident.subject,
    ...(all ? [incident.state] : []),
    incident.severity,
    moment(incident.lastSeen),
    { text: String(incident.findingCount), right: true },
    incident.ban?.state ?? "none",
    [...new Set(incident.rules)].join(", "),
  ]);
  const column = (name: string): number => columns.indexOf(name);
  const head = columns.map((name) => (name === "findings" ? { text: name, right: true } : name));
  return table(context, [heads(...head), ...rows], {
    drop: [column("last seen"), column("findings")],
    cut: [column("rules"), column("subject")],
    least: 14,
  });
}
