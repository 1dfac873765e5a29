import type { EventItem, IncidentDetail, ListStatus, SocketItem, Status } from "../../src/model/api.ts";

/** Samples of what the interface answers, plain but for what a test says of them. */

export const source = (path: string): Status["sources"][number] => ({
  path,
  kind: "access",
  format: "combined",
  lines: 9,
  unparsed: 2,
  lagBytes: 5,
  lastEventAt: null,
  error: null,
  hint: null,
  audit: null,
});

export const incident = (
  id: number,
  state: "open" | "closed",
  evidence: readonly string[],
): IncidentDetail => ({
  id,
  subject: "192.0.2.7",
  target: "192.0.2.7/32",
  severity: "high",
  state,
  openedAt: "2026-11-20T12:00:00.000Z",
  lastSeen: "2026-11-20T12:01:00.000Z",
  findingCount: 1,
  rules: ["apache-forbidden"],
  ban: null,
  findings: [
    {
      id,
      rule: "apache-forbidden",
      title: "Repeated 403",
      severity: "high",
      subject: "192.0.2.7",
      firstSeen: "2026-11-20T12:00:00.000Z",
      lastSeen: "2026-11-20T12:01:00.000Z",
      count: 5,
      evidence,
      spared: null,
    },
  ],
  bans: [],
});

export const event = (id: number, kind: EventItem["kind"], client: string | null): EventItem => ({
  id,
  time: "2026-11-20T12:00:00.000Z",
  kind,
  source: "/var/log/apache2/access.log",
  client,
  method: "GET",
  path: "/x",
  query: null,
  status: 403,
  origin: null,
  userAgent: null,
  vhost: null,
  code: null,
  message: null,
  reason: null,
  refused: false,
});

export const socket = (id: number, state: SocketItem["state"], client: string): SocketItem => ({
  id,
  state,
  client,
  openedAt: "2026-11-20T12:00:00.000Z",
  closedAt: state === "closed" ? "2026-11-20T12:00:05.000Z" : null,
  lifetimeMs: state === "closed" ? 5_000 : null,
  path: "/ws",
  query: null,
  origin: "https://evil.example",
  host: "site.example",
  vhost: "site.example",
  userAgent: null,
  user: null,
  status: state === "closed" ? 101 : null,
  bytesIn: null,
  bytesOut: null,
});

export const list = (name: string): ListStatus => ({
  name,
  kind: "block",
  ownAndPrivate: "refuse",
  from: "https://lists.example/drop.txt",
  entries: 4,
  wrong: 0,
  refused: 0,
  examples: [],
  spared: 0,
  fetchedAt: null,
  until: null,
  triedAt: null,
  nextFetchAt: null,
  error: null,
  hint: null,
});
