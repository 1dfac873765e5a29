import type { Page } from "../src/model/api.ts";
import { api, asApiError } from "./api.ts";
import { isOnRules } from "./route.ts";
import {
  allowlist,
  bans,
  bansTouching,
  connection,
  incident,
  incidentId,
  incidents,
  type Listing,
  route,
  ruleFindings,
  rules,
  session,
  sockets,
  status,
  traffic,
  trafficMinutes,
  troubles,
  unparsed,
} from "./state.ts";

/** Each reads one collection again. */
export const refresh = {
  status: coalesced("status", async () => {
    status.value = await api.status();
  }),
  bans: coalesced("bans", () => load(bans, (state, cursor) => api.bans(state, cursor, bansTouching.value))),
  incidents: coalesced("incidents", () => load(incidents, api.incidents)),
  sockets: coalesced("the WebSockets", async () => {
    sockets.value = (await api.socketHolders()).items;
  }),
  allowlist: coalesced("the allowlist", () => load(allowlist, (_, cursor) => api.allowlist(cursor))),
  traffic: coalesced(
    "traffic",
    async () => {
      const minutes = trafficMinutes.value;
      const { items } = await api.traffic(minutes);
      // The person chose another span meanwhile.
      if (minutes === trafficMinutes.value) traffic.value = items;
    },
    () => (trafficMinutes.value === 60 ? 2_000 : 10_000),
  ),
  unparsed: coalesced("unparsed", async () => {
    unparsed.value = (await api.unparsed()).items;
  }),
  incident: coalesced("incident", loadIncident),
  ruleFindings: coalesced("the findings of the rule", loadRuleFindings),
  rules: coalesced(
    "rules",
    async () => {
      rules.value = new Map((await api.rules()).items.map((rule) => [rule.id, rule]));
    },
    () => 10_000,
    // Elsewhere they are only explained and named, which changes with the configuration.
    () => rules.value === null || isOnRules(),
  ),
};

export function refreshAll(): void {
  refresh.status();
  refresh.bans();
  refresh.incidents();
  refresh.sockets();
  refresh.allowlist();
  refresh.traffic();
  refresh.incident();
  refresh.ruleFindings();
  refresh.rules();
}

/** Shows another page or another choice of a collection. */
export function turn<Item, Filter>(
  list: Listing<Item, Filter>,
  to: { readonly filter: Filter } | { readonly cursors: readonly string[] },
): void {
  if ("filter" in to) {
    list.filter.value = to.filter;
    list.items.value = null;
  }
  list.cursors.value = "cursors" in to ? to.cursors : [];
}

async function load<Item, Filter extends string>(
  list: Listing<Item, Filter>,
  read: (state: string | null, cursor: string | null) => Promise<Page<Item>>,
): Promise<void> {
  const filter = list.filter.value;
  const cursors = list.cursors.value;
  const page = await read(filter === "all" ? null : filter, cursors.at(-1) ?? null);
  // The person turned on while this page was on its way; the next read brings the right one.
  if (filter !== list.filter.value || cursors !== list.cursors.value) return;
  list.items.value = page.items;
  list.next.value = page.next;
}

async function loadRuleFindings(): Promise<void> {
  const shown = route.value;
  if (shown.kind !== "rule") return;
  const { items } = await api.ruleFindings(shown.id);
  if (shown === route.value) ruleFindings.value = items;
}

async function loadIncident(): Promise<void> {
  const id = incidentId.value;
  if (id === null) return;
  const found = await api.incident(id).catch((error: unknown) => {
    if (asApiError(error).status === 404) return "missing" as const;
    throw error;
  });
  if (id === incidentId.value) incident.value = found;
}

/**
 * At most one read under way and one waiting, `gap` milliseconds apart: a flood of change messages costs
 * the server one read a second, and the last change is always read. What a person asked for hurries: it
 * does not wait for the gap. Nothing is read while it is not `needed`.
 */
function coalesced(
  name: string,
  read: () => Promise<void>,
  gap: () => number = () => 1_000,
  needed: () => boolean = () => true,
): (hurry?: boolean) => void {
  let running = false;
  let again = false;
  let hurried = false;
  let wake: (() => void) | null = null;
  const run = async (): Promise<void> => {
    running = true;
    do {
      again = hurried = false;
      if (!needed()) break;
      await attempt(name, read);
      if (!hurried) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, gap());
        });
      }
    } while (again);
    running = false;
  };
  return (hurry = false) => {
    if (!running) {
      void run();
      return;
    }
    again = true;
    if (hurry) {
      hurried = true;
      wake?.();
    }
  };
}

async function attempt(name: string, read: () => Promise<void>): Promise<void> {
  if (session.value === "out") return;
  try {
    await read();
    const { [name]: healed, ...others } = troubles.value;
    if (healed !== undefined) troubles.value = others;
    if (connection.value === "lost") connection.value = "polling";
  } catch (error) {
    const { status, message, hint } = asApiError(error);
    if (status === 401) return;
    if (status === 0) connection.value = "lost";
    else troubles.value = { ...troubles.value, [name]: { message: `Cannot read ${name}: ${message}`, hint } };
  }
}
