import { ENFORCER_STATES, type SourceStatus, type Status } from "../model/api.ts";

/** Prometheus text format 0.0.4. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: (status: Status) => readonly Sample[];
}

const one =
  (value: (status: Status) => number) =>
  (status: Status): Sample[] => [[{}, value(status)]];
const ofSources =
  (value: (source: SourceStatus) => number) =>
  ({ sources }: Status): Sample[] =>
    sources.map((source) => [{ path: source.path }, value(source)]);

/** All that is measured; docs/http-api.md names each. */
const FAMILIES: readonly Family[] = [
  {
    name: "sekisho_build_info",
    type: "gauge",
    help: "The running version; always 1.",
    samples: ({ version, mode }) => [[{ version, mode }, 1]],
  },
  {
    name: "sekisho_uptime_seconds",
    type: "gauge",
    help: "Seconds since the start.",
    samples: one(({ uptimeSeconds }) => uptimeSeconds),
  },
  {
    name: "sekisho_events_total",
    type: "counter",
    help: "Events stored, by kind.",
    samples: ({ events }) => Object.entries(events).map(([kind, count]) => [{ kind }, count]),
  },
  {
    name: "sekisho_source_lines_total",
    type: "counter",
    help: "Lines read.",
    samples: ofSources(({ lines }) => lines),
  },
  {
    name: "sekisho_source_unparsed_total",
    type: "counter",
    help: "Lines that did not parse.",
    samples: ofSources(({ unparsed }) => unparsed),
  },
  {
    name: "sekisho_source_lag_bytes",
    type: "gauge",
    help: "Bytes written to the log and not yet read.",
    samples: ofSources(({ lagBytes }) => lagBytes),
  },
  {
    name: "sekisho_source_failed",
    type: "gauge",
    help: "1 while the source cannot be read.",
    samples: ofSources(({ error }) => (error === null ? 0 : 1)),
  },
  {
    name: "sekisho_bans_active",
    type: "gauge",
    help: "Bans that stand; in observe mode they are recorded only.",
    samples: one(({ bans }) => bans.active),
  },
  {
    name: "sekisho_bans_ineffective",
    type: "gauge",
    help: "Bans whose clients come through all the same.",
    samples: one(({ bans }) => bans.ineffective),
  },
  {
    name: "sekisho_halted",
    type: "gauge",
    help: "1 while rules ban nobody: the circuit breaker is open, or somebody used panic.",
    samples: ({ halts }) =>
      (["breaker", "panic"] as const).map((name) => [
        { name },
        halts.some((halt) => halt.name === name) ? 1 : 0,
      ]),
  },
  {
    name: "sekisho_incidents_open",
    type: "gauge",
    help: "Incidents that nobody closed.",
    samples: one(({ incidents }) => incidents.open),
  },
  {
    name: "sekisho_subjects",
    type: "gauge",
    help: "Addresses and other subjects that rules count.",
    samples: one(({ counting }) => counting.subjects),
  },
  {
    name: "sekisho_subjects_given_up_total",
    type: "counter",
    help: "Subjects that gave way to others for want of room.",
    samples: one(({ counting }) => counting.givenUp),
  },
  {
    name: "sekisho_database_bytes",
    type: "gauge",
    help: "The database on disk.",
    samples: one(({ database }) => database.bytes),
  },
  {
    name: "sekisho_database_budget_bytes",
    type: "gauge",
    help: "What it may use: the oldest events are deleted.",
    samples: one(({ database }) => database.budget),
  },
  {
    name: "sekisho_sockets_open",
    type: "gauge",
    help: "WebSockets that were opened and not seen to end.",
    samples: one(({ sockets }) => sockets.open),
  },
  {
    name: "sekisho_connections_cut_total",
    type: "counter",
    help: "Open connections that were closed, since their clients were banned.",
    samples: one(({ cut }) => cut.closed),
  },
  {
    name: "sekisho_connections_cut_failed",
    type: "gauge",
    help: "1 while open connections of banned clients stay open.",
    samples: one(({ cut }) => (cut.state === "failed" ? 1 : 0)),
  },
  {
    name: "sekisho_enforcer_state",
    type: "gauge",
    help: "1 for the state that the enforcer is in.",
    samples: ({ enforcers }) =>
      enforcers.flatMap(({ name, state }) =>
        ENFORCER_STATES.map((each): Sample => [{ name, state: each }, each === state ? 1 : 0]),
      ),
  },
  {
    name: "sekisho_enforcer_blocks",
    type: "gauge",
    help: "Blocks that the enforcer holds.",
    samples: ({ enforcers }) => enforcers.map(({ name, blocks }) => [{ name }, blocks]),
  },
  {
    name: "sekisho_enforcer_repaired_total",
    type: "counter",
    help: "Blocks that somebody else changed and that were put right.",
    samples: ({ enforcers }) => enforcers.map(({ name, repaired = 0 }) => [{ name }, repaired]),
  },
];

export const METRIC_NAMES: readonly string[] = FAMILIES.map(({ name }) => name);

/** All metrics as a status has them. */
export const metricsText = (status: Status): string =>
  FAMILIES.map(({ name, type, help, samples }) => {
    const lines = samples(status).map(([labels, value]) => `${name}${spellLabels(labels)} ${value}\n`);
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
  }).join("");

function spellLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** Whoever can name a log file must not be able to add lines to our metrics. */
const escapeLabel = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
