import type { LiveMessage } from "../src/model/api.ts";
import { refresh, refreshAll } from "./refresh.ts";
import { connection, status } from "./state.ts";

const POLL_MS = 5_000;
/** Time moves on in the chart, and in what counts of the last day, even where nothing happens. */
const CHART_MS = 30_000;

/**
 * Follows `GET /api/live` while signed in. The browser reconnects a stream that broke; one that the server
 * refused is opened again by the poll, which also fills the gap meanwhile. Returns what ends it.
 */
export function follow(): () => void {
  let stream: EventSource | null = null;
  const open = (): void => {
    if (typeof EventSource === "undefined") {
      connection.value = "polling";
      return;
    }
    stream?.close();
    stream = listen(new EventSource("api/live"));
  };
  const poll = setInterval(() => {
    if (connection.value === "live") return;
    refreshAll();
    if (stream === null) return;
    if (stream.readyState === stream.OPEN) connection.value = "live";
    if (stream.readyState === stream.CLOSED) open();
  }, POLL_MS);
  const chart = setInterval(() => {
    refresh.traffic();
    refresh.rules();
  }, CHART_MS);
  open();
  return () => {
    stream?.close();
    clearInterval(poll);
    clearInterval(chart);
  };
}

function listen(stream: EventSource): EventSource {
  stream.addEventListener("open", () => {
    connection.value = "live";
    // What changed while the stream was away was not told.
    refreshAll();
  });
  stream.addEventListener("error", () => {
    // Whether the whole server is away is what the next read finds out.
    connection.value = "polling";
    refresh.status(true);
  });
  for (const kind of ["status", "changed"] as const) {
    stream.addEventListener(kind, (event: MessageEvent<string>) => {
      take(JSON.parse(event.data) as LiveMessage);
    });
  }
  return stream;
}

function take(message: LiveMessage): void {
  if (message.kind === "status") {
    status.value = message.status;
    return;
  }
  for (const what of message.what) refresh[what]();
  // Its rows tell who is banned, and link to incidents.
  if (message.what.includes("incidents") || message.what.includes("bans")) refresh.sockets();
  // What goes on the allowlist lifts bans.
  if (message.what.includes("bans")) refresh.allowlist();
  if (message.what.includes("incidents") || message.what.includes("bans")) refresh.incident();
  if (message.what.includes("incidents")) refresh.ruleFindings();
  // Each event may bring somebody nearer to a threshold.
  refresh.rules();
}
