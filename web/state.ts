import { computed, type Signal, signal } from "@preact/signals";
import type {
  AllowItem,
  BanItem,
  EventItem,
  IncidentDetail,
  IncidentItem,
  SocketHolder,
  Status,
  TrafficPoint,
} from "../src/model/api.ts";
import type { BanState } from "../src/model/decision.ts";
import type { RuleFinding, RuleStatus } from "../src/model/rule-status.ts";

/** Everything that the page shows. Views read it; `refresh.ts` and `live.ts` write it. */

export const session = signal<"checking" | "in" | "out">("checking");

/** `polling`: the live stream is away, yet the server answers. `lost`: it does not answer. */
export const connection = signal<"connecting" | "live" | "polling" | "lost">("connecting");

/** The server's time in milliseconds, so that a wrong clock in the browser does not falsify what remains. */
export const now = signal(Date.now());

export const status = signal<Status | null>(null);
export const traffic = signal<readonly TrafficPoint[] | null>(null);

export const SPANS = [60, 360, 1440] as const;
export const trafficMinutes = signal<(typeof SPANS)[number]>(60);

/** One page of a collection. `cursors` are the ways back: the last one is the page that is shown. */
export interface Listing<Item, Filter> {
  readonly items: Signal<readonly Item[] | null>;
  readonly next: Signal<string | null>;
  readonly cursors: Signal<readonly string[]>;
  readonly filter: Signal<Filter>;
  /** Whether all rows of the page are shown, not the first few. */
  readonly whole: Signal<boolean>;
}

const listing = <Item, Filter>(filter: Filter): Listing<Item, Filter> => ({
  items: signal<readonly Item[] | null>(null),
  next: signal<string | null>(null),
  cursors: signal<readonly string[]>([]),
  filter: signal(filter),
  whole: signal(false),
});

export const bans = listing<BanItem, BanState | "all">("active");
/** Whose bans are shown: an address or a range; empty: all. */
export const bansTouching = signal("");
export const incidents = listing<IncidentItem, "open" | "closed" | "all">("open");
/** Who holds WebSockets open. */
export const sockets = signal<readonly SocketHolder[] | null>(null);
export const socketsWhole = signal(false);
/** There is only one choice of these. */
export const allowlist = listing<AllowItem, "all">("all");
/** By id. */
export const rules = signal<ReadonlyMap<string, RuleStatus> | null>(null);
/** Of the rule that is shown; null: not read yet. */
export const ruleFindings = signal<readonly RuleFinding[] | null>(null);
export const rulesWhole = signal(false);
export const nearMissesWhole = signal(false);
export const unparsed = signal<readonly EventItem[] | null>(null);

export type Route =
  | { readonly kind: "overview" | "rules" | "lists" }
  | { readonly kind: "incident"; readonly id: number }
  | { readonly kind: "rule"; readonly id: string };

/** The view that the address bar names. */
export const route = signal<Route>({ kind: "overview" });
/** The view that was shown before. */
export const cameFrom = signal<Route>(route.value);
/** Null where no incident is shown. */
export const incidentId = computed(() => (route.value.kind === "incident" ? route.value.id : null));
export const incident = signal<IncidentDetail | "missing" | null>(null);

/** Collections that could not be read, by name, until they can be again. */
export const troubles = signal<Readonly<Record<string, { readonly message: string; readonly hint: string }>>>(
  {},
);

/** Whether a person asked to see what needs attention, and has not been led there yet. */
export const seekingComplaint = signal(false);

/** What an action led to, for the eye and for screen readers. */
export const outcome = signal<string | null>(null);
