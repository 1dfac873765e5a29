import { accessSync, constants, readFileSync } from "node:fs";
import { loadLists } from "../imported-lists.ts";
import type { ListedEntry, Lists } from "../lists/lists.ts";
import type { AllowItem, BanItem, EventItem, IncidentDetail } from "../model/api.ts";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { isSingle, parseIp, prefixOf, type Target, TargetSet } from "../model/ip.ts";
import type { RuleItem } from "../model/rule-status.ts";
import { printable } from "../model/safe-text.ts";
import { ruleItem } from "../rule-items.ts";
import { allowlistOf, daemonFile, databaseFile, type Setup } from "../setup.ts";
import { StoreReader } from "../store/reader.ts";
import type { CliContext } from "./context.ts";
import { count, moment, writeJson } from "./output.ts";
import { oneLine, wrapped } from "./prose.ts";
import { readTarget } from "./target.ts";
import { wantedBlocks } from "./wanted-blocks.ts";

const SHOWN_BANS = 200;
const LATEST_EVENTS = 20;

interface StandingRange {
  readonly target: Target;
  readonly bans: number;
}

/** All that is known of an address or range: whatever shares an address with it concerns it. */
interface Known {
  readonly target: Target;
  readonly allowlist: readonly AllowItem[];
  /** Imported lists that have it or part of it. */
  readonly lists: readonly ListedEntry[];
  /** What stands for many bans and blocks it or part of it with them. */
  readonly ranges: readonly StandingRange[];
  /** Newest first. */
  readonly bans: readonly BanItem[];
  readonly incidents: readonly IncidentDetail[];
  /** Those that made the findings and are still there. */
  readonly rules: readonly RuleItem[];
  /** Of a single address only, oldest first. */
  readonly events: readonly EventItem[];
}

export async function explainAddress(
  context: CliContext,
  setup: Setup,
  text: string,
  json: boolean,
): Promise<void> {
  const target = readTarget(text);
  // The store first: who may not read it is told so.
  using reader = openStore(context, setup);
  const stored = storedOf(reader, setup, target, text);
  using lists = await loadLists(setup, context.clock);
  const ranges = rangesTouching(target, reader, lists, setup);
  const known: Known = { ...stored, lists: lists.touching(target), ranges };
  const { allowlist, bans, incidents, events } = known;
  const isNothing = [allowlist, bans, incidents, events, known.lists, ranges].every(
    ({ length }) => length === 0,
  );
  if (isNothing) context.exitStatus = 1;
  if (json) writeJson(context, known);
  else context.stdout(isNothing ? `${known.target}: nothing is known of it\n` : knownText(known));
}

function storedOf(
  reader: StoreReader,
  setup: Setup,
  target: Target,
  text: string,
): Omit<Known, "lists" | "ranges"> {
  const incidents = reader.incidentsTouching(target);
  const fired = new Set(incidents.flatMap(({ rules }) => rules));
  const ip = text.includes("/") && !isSingle(target) ? null : (parseIp(text) ?? prefixOf(target).address);
  const asked = new TargetSet([target]);
  return {
    target,
    allowlist: [...allowlistOf(setup.config), ...reader.allowItems()].filter(
      (entry) => asked.overlapping(entry.target as Target) !== null,
    ),
    bans: reader.bans({ limit: SHOWN_BANS, cursor: null, state: null, touching: target }).items,
    incidents,
    rules: setup.rules.filter(({ id }) => fired.has(id)).map(ruleItem),
    events:
      ip === null
        ? []
        : reader.events({ client: ip, kind: null, limit: LATEST_EVENTS, cursor: null }).items.toReversed(),
  };
}

function rangesTouching(
  target: Target,
  reader: StoreReader,
  lists: Lists,
  { config, mode }: Setup,
): StandingRange[] {
  const { ipv4, ipv6 } = config.policy.aggregate;
  // Many bans need not be read for what is off.
  if (mode === "observe" || ipv4.atLeast + ipv6.atLeast === 0) return [];
  const { ranges, counts } = wantedBlocks(reader, lists, config);
  const asked = new TargetSet([target]);
  return ranges
    .filter((range) => asked.overlapping(range.target) !== null)
    .map((range) => ({ target: range.target, bans: counts.get(range.target)! }));
}

function knownText({ target, allowlist, lists, ranges, bans, incidents, rules, events }: Known): string {
  const lines = [
    `${target}`,
    ...allowlist.map(allowText),
    ...lists.map(listText),
    ...ranges.map(rangeText),
    ...bans.map(banText),
    ...undoLines(target, bans),
    ...incidents.flatMap((incident) => incidentLines(incident, rules)),
    ...(events.length === 0 ? [] : ["latest events:", ...events.map(eventText)]),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

const allowText = ({ target, by, reason, at }: AllowItem): string =>
  by === "configuration"
    ? `never banned: ${target} is on the configuration's allowlist`
    : `never banned: ${target} is on the allowlist since ${moment(at!)}: ${reason}`;

const listText = ({ list, kind, target }: ListedEntry): string =>
  kind === "allow"
    ? `never banned: ${target} is on the list ${list}`
    : `on a blocklist: ${target} of ${list}`;

const rangeText = ({ target, bans }: StandingRange): string =>
  `blocked with ${target}, which stands for ${count(bans, "ban")} (policy.aggregate): sekisho allow spares an address of it, and splits it`;

function banText({ target, state, by, rule, at, until, reason, incident }: BanItem): string {
  const end = until === null ? "permanent" : `until ${moment(until)}`;
  const why = incident === null ? reason : `${reason} (incident ${incident})`;
  return `ban of ${target}: ${state}, by ${by === "rule" ? rule : "a person"}, ${moment(at)}, ${end}: ${why}`;
}

function undoLines(asked: Target, bans: readonly BanItem[]): string[] {
  const lift = bans.flatMap(({ state, target }) => (state === "active" ? [`sekisho unban ${target}`] : []));
  return lift.length === 0
    ? []
    : [`to let it in: ${lift.join(" && ")}; so that no ban comes back: sekisho allow ${asked}`];
}

function incidentLines(incident: IncidentDetail, rules: readonly RuleItem[]): string[] {
  const { id, target, severity, state, openedAt, lastSeen, findings } = incident;
  const explained = new Set<string>();
  const span = `${moment(openedAt)} to ${moment(lastSeen)}`;
  return [
    `incident ${id} of ${target}: ${severity}, ${state}, ${span}`,
    ...findings.flatMap((finding) => {
      const rule = explained.has(finding.rule) ? undefined : rules.find((each) => each.id === finding.rule);
      explained.add(finding.rule);
      const spared = finding.spared === null ? "" : ` (not banned: ${finding.spared})`;
      return [
        `  ${finding.rule}: ${count(finding.count, "hit")}${spared}`,
        ...(rule === undefined ? [] : wrapped("    why: ", oneLine(rule.why), 6)),
        ...(rule?.falsePositives ?? []).flatMap((text) => wrapped("    may be mistaken: ", oneLine(text), 6)),
        ...finding.evidence.map((line) => `    ${line}`),
      ];
    }),
  ];
}

function eventText(event: EventItem): string {
  const what =
    event.kind === "access"
      ? [event.method, askedFor(event), event.status]
      : event.kind === "opening"
        ? [event.method, askedFor(event), event.origin === null ? "without Origin" : `from ${event.origin}`]
        : event.kind === "unparsed"
          ? [event.reason]
          : [event.code, event.message];
  const said = what.filter((part) => part !== null).join(" ");
  return `  ${event.time} ${event.kind} ${said}${event.refused ? " (refused by a ban)" : ""}`;
}

/** An attack is often in the query alone. */
const askedFor = ({ path, query }: EventItem): string | null => (query === null ? path : `${path}?${query}`);

/** The store of the running daemon, else of the configured data folder. */
function openStore(context: CliContext, setup: Setup): StoreReader {
  const { data } = setup.config;
  const running = readOwn(daemonFile(data));
  const file =
    running === null ? databaseFile(data) : (JSON.parse(running) as { readonly database: string }).database;
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw unreadable(file, error);
    throw new SekishoError(
      "DATA_DIRECTORY",
      `there is no database at ${file}`,
      "sekisho run makes it; if Sekisho runs with another configuration, name it with --config",
    );
  }
  return new StoreReader(file, context.clock);
}

/** Null when there is no such file. */
function readOwn(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw unreadable(file, error);
  }
}

const unreadable = (file: string, cause: unknown): SekishoError =>
  systemCode(cause) === "EACCES"
    ? new SekishoError(
        "DATA_DIRECTORY",
        `no permission to read ${file}`,
        "run this command as the user that Sekisho runs as (sudo -u sekisho sekisho …) or as root",
        { cause },
      )
    : new SekishoError(
        "DATA_DIRECTORY",
        `cannot read ${file}: ${messageOf(cause)}`,
        "check data: in the configuration",
        {
          cause,
        },
      );
