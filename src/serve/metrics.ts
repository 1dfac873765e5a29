import { ENFORCER_STATES, type Status } from "../model/api.ts";

/** Prometheus text format 0.0.4. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

export function metricsText(status: Status, version: string): string {
  const { sources, enforcers } = status;
  return [
    family("sekisho_build_info", "gauge", "The running version; always 1.", [
      [{ version, mode: status.mode }, 1],
    ]),
    family("sekisho_uptime_seconds", "gauge", "Seconds since the start.", [[{}, status.uptimeSeconds]]),
    family(
      "sekisho_events_total",
      "counter",
      "Events stored, by kind.",
      Object.entries(status.events).map(([kind, count]) => [{ kind }, count]),
    ),
    family(
      "sekisho_source_lines_total",
      "counter",
      "Lines read.",
      sources.map(({ path, lines }) => [{ path }, lines]),
    ),
    family(
      "sekisho_source_unparsed_total",
      "counter",
      "Lines that did not parse.",
      sources.map(({ path, unparsed }) => [{ path }, unparsed]),
    ),
    family(
      "sekisho_source_lag_bytes",
      "gauge",
      "Bytes written to the log and not yet read.",
      sources.map(({ path, lagBytes }) => [{ path }, lagBytes]),
    ),
    family(
      "sekisho_source_failed",
      "gauge",
      "1 while the source cannot be read.",
      sources.map(({ path, error }) => [{ path }, error === null ? 0 : 1]),
    ),
    family("sekisho_bans_active", "gauge", "Bans that stand; in observe mode they are recorded only.", [
      [{}, status.bans.active],
    ]),
    family("sekisho_bans_ineffective", "gauge", "Bans whose clients come through all the same.", [
      [{}, status.bans.ineffective],
    ]),
    family(
      "sekisho_halted",
      "gauge",
      "1 while rules ban nobody: the circuit breaker is open, or somebody used panic.",
      (["breaker", "panic"] as const).map((name) => [
        { name },
        status.halts.some((halt) => halt.name === name) ? 1 : 0,
      ]),
    ),
    family("sekisho_incidents_open", "gauge", "Incidents that nobody closed.", [[{}, status.incidents.open]]),
    family("sekisho_subjects", "gauge", "Addresses and other subjects that rules count.", [
      [{}, status.counting.subjects],
    ]),
    family(
      "sekisho_subjects_given_up_total",
      "counter",
      "Subjects that gave way to others for want of room.",
      [[{}, status.counting.givenUp]],
    ),
    family("sekisho_database_bytes", "gauge", "The database on disk.", [[{}, status.database.bytes]]),
    family("sekisho_database_budget_bytes", "gauge", "What it may use: the oldest events are deleted.", [
      [{}, status.database.budget],
    ]),
    family("sekisho_sockets_open", "gauge", "WebSockets that were opened and not seen to end.", [
      [{}, status.sockets.open],
    ]),
    family(
      "sekisho_connections_cut_total",
      "counter",
      "Open connections that were closed, since their clients were banned.",
      [[{}, status.cut.closed]],
    ),
    family(
      "sekisho_connections_cut_failed",
      "gauge",
      "1 while open connections of banned clients stay open.",
      [[{}, status.cut.state === "failed" ? 1 : 0]],
    ),
    family(
      "sekisho_enforcer_state",
      "gauge",
      "1 for the state that the enforcer is in.",
      enforcers.flatMap(({ name, state }) =>
        ENFORCER_STATES.map((each): Sample => [{ name, state: each }, each === state ? 1 : 0]),
      ),
    ),
    family(
      "sekisho_enforcer_blocks",
      "gauge",
      "Blocks that the enforcer holds.",
      enforcers.map(({ name, blocks }) => [{ name }, blocks]),
    ),
  ].join("");
}

function family(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${spellLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function spellLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** Whoever can name a log file must not be able to add lines to our metrics. */
const escapeLabel = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
