import type {
  AllowItem,
  BanAnswer,
  BanItem,
  BanReach,
  ErrorBody,
  EventItem,
  IncidentDetail,
  IncidentItem,
  ListStatus,
  Page,
  PanicAnswer,
  SocketHolder,
  Status,
  TrafficPoint,
} from "../src/model/api.ts";
import type { RuleFinding, RuleStatus } from "../src/model/rule-status.ts";
import { now, session } from "./state.ts";

/** What the server refused, or that it did not answer (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;

  constructor(status: number, code: string, message: string, hint: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "PAGE", String(error), "Reload the page.");
}

const part = encodeURIComponent;
const query = (fields: Readonly<Record<string, string | number | null>>): string =>
  new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]])),
  ).toString();

export const api = {
  signIn: (proof: { readonly code: string } | { readonly token: string }) => send("POST", "session", proof),
  signOut: () => send("DELETE", "session"),
  status: () => get<Status>("status"),
  bans: (state: string | null, cursor: string | null, touching: string) =>
    get<Page<BanItem>>(
      `bans?${query({ state, cursor, touching: touching === "" ? null : touching, limit: 50 })}`,
    ),
  incidents: (state: string | null, cursor: string | null) =>
    get<Page<IncidentItem>>(`incidents?${query({ state, cursor, limit: 50 })}`),
  incident: (id: number) => get<IncidentDetail>(`incidents/${id}`),
  unparsed: () => get<Page<EventItem>>(`events?${query({ kind: "unparsed", limit: 20 })}`),
  socketHolders: () => get<{ readonly items: readonly SocketHolder[] }>("sockets/holders"),
  traffic: (minutes: number) =>
    get<{ readonly items: readonly TrafficPoint[] }>(`traffic?${query({ minutes })}`),
  banReach: (target: string) => get<BanReach>(`bans/reach?${query({ target })}`),
  ban: (target: string, length: string, reason: string) =>
    post<BanAnswer>("bans", { target, ...(length === "" ? {} : { for: length }), reason }),
  // Targets as they are: Apache as a proxy refuses a path with %2F unless it is told otherwise.
  unban: (target: string) => send("DELETE", `bans/${target}`),
  allowlist: (cursor: string | null) => get<Page<AllowItem>>(`allowlist?${query({ cursor, limit: 50 })}`),
  allow: (target: string, reason: string) =>
    post<{ readonly target: string; readonly lifted: readonly string[] }>("allowlist", { target, reason }),
  disallow: (target: string) => send("DELETE", `allowlist/${target}`),
  rules: () => get<{ readonly items: readonly RuleStatus[] }>("rules"),
  ruleFindings: (id: string) => get<{ readonly items: readonly RuleFinding[] }>(`rules/${part(id)}/findings`),
  setIncidentState: (id: number, state: "open" | "closed") => send("POST", `incidents/${id}`, { state }),
  panic: () => post<PanicAnswer>("panic", {}),
  endPanic: () => send("DELETE", "panic"),
  resetBreaker: (lift: boolean) => post<{ readonly lifted: number }>("breaker/reset", { lift }),
  fetchList: (name: string) => post<ListStatus>(`lists/${part(name)}/fetch`, {}),
  applyNow: (enforcer: string) => send("POST", `enforcers/${part(enforcer)}/apply`),
};

async function get<Answer>(path: string): Promise<Answer> {
  const response = await request("GET", path);
  return (await response.json()) as Answer;
}

async function post<Answer>(path: string, body: object): Promise<Answer> {
  const response = await request("POST", path, body);
  return (await response.json()) as Answer;
}

async function send(method: "POST" | "DELETE", path: string, body?: object): Promise<void> {
  await request(method, path, body);
}

async function request(method: string, path: string, body?: object): Promise<Response> {
  const response = await fetch(`api/${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  }).catch(() => {
    throw new ApiError(
      0,
      "OFFLINE",
      "Sekisho does not answer",
      "Is the daemon running? Start it with: sekisho run",
    );
  });
  readClock(response);
  if (response.ok) return response;
  if (response.status === 401) session.value = "out";
  throw await refusal(response);
}

async function refusal(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as ErrorBody | null;
  if (typeof body?.error?.message !== "string") {
    const message = `The server answered ${response.status}`;
    return new ApiError(response.status, "HTTP", message, "The daemon's log says more.");
  }
  const { code, message, hint } = body.error;
  return new ApiError(response.status, code, message, hint ?? "");
}

/** How far the server's clock is ahead of the browser's, in milliseconds. */
let ahead = 0;

/** The Date header has whole seconds, so only a difference of more than two is a wrong clock. */
function readClock(response: Response): void {
  const served = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(served)) return;
  const difference = served - Date.now();
  ahead = Math.abs(difference) > 2_000 ? difference : 0;
}

export function tick(): void {
  now.value = Date.now() + ahead;
}
