import type {
  AllowItem,
  BanItem,
  EventItem,
  FindingItem,
  IncidentDetail,
  Status,
  TrafficPoint,
} from "../../src/model/api.ts";
import { lists } from "./fixture-lists.ts";

/** Made-up data with documentation addresses. Times are counted back from when it is made. */

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();
const ahead = (seconds: number): string => ago(-seconds);

/** What attackers write: markup, terminal codes, reordering and hidden characters, and no end. */
export const HOSTILE = {
  markup: `192.0.2.66 - - [20/Nov/2026:12:00:01 +0000] "GET /?q=<img src=x onerror=alert(1)> HTTP/1.1" 403 199 "-" "<script>alert(document.domain)</script>"`,
  terminal: `192.0.2.66 - - [20/Nov/2026:12:00:02 +0000] "GET /\x1b[2J\x1b]0;owned\x07 HTTP/1.1" 403 199 "-" "\x00\x80\x9b31m"`,
  bidi: `192.0.2.66 - - [20/Nov/2026:12:00:03 +0000] "GET /invoice\u202egpj.exe\u202c HTTP/1.1" 403 199 "-" "a\u200bb\u2066c\u2069 \u05d0\u05d1"`,
  long: `192.0.2.66 - - [20/Nov/2026:12:00:04 +0000] "GET /${"%2e%2e/".repeat(900)}etc/passwd HTTP/1.1" 403 199`,
} as const;

export const status = (): Status => ({
  mode: "enforce",
  lists: lists(),
  version: "0.1.0",
  demo: false,
  uptimeSeconds: 93_610,
  sources: [
    {
      path: "/var/log/apache2/access.log",
      kind: "access",
      format: "combined",
      lines: 1_204_332,
      unparsed: 12,
      lagBytes: 0,
      lastEventAt: ago(3),
      error: null,
      hint: null,
      audit: null,
    },
    {
      path: "/var/log/apache2/other_vhosts_access.log",
      kind: "access",
      format: "vhost_combined",
      lines: 88_120,
      unparsed: 0,
      lagBytes: 5_400_000,
      lastEventAt: ago(41),
      error: null,
      hint: null,
      audit: null,
    },
    {
      path: "/var/log/apache2/error.log",
      kind: "error",
      format: "error",
      lines: 20_113,
      unparsed: 7,
      lagBytes: 0,
      lastEventAt: ago(70),
      error: null,
      hint: null,
      audit: null,
    },
    {
      path: "/run/sekisho/audit/chat.sock",
      kind: "audit",
      format: "audit",
      lines: 4_120,
      unparsed: 3,
      lagBytes: 0,
      lastEventAt: ago(8),
      error: null,
      hint: null,
      audit: {
        mayBan: ["ws.origin_rejected", "ws.rate_exceeded", "app.*"],
        bans: 20,
        limit: 20,
        socket: { connections: 1, dropped: 2 },
      },
    },
    {
      path: "/var/log/sekisho/audit.jsonl",
      kind: "audit",
      format: "audit",
      lines: 0,
      unparsed: 0,
      lagBytes: 0,
      lastEventAt: null,
      error: "cannot read /var/log/sekisho/audit.jsonl: permission denied",
      hint: "add the user sekisho to the file's group: usermod -aG adm sekisho",
      audit: { mayBan: [], bans: 0, limit: 20, socket: null },
    },
  ],
  enforcers: [
    {
      name: "apache-directory",
      state: "in-sync",
      blocks: 4,
      unenforced: ["203.0.113.0/24"],
      lastReconciledAt: ago(8),
      nextApplyAt: null,
      error: null,
      hint: null,
      note: null,
      provenAt: ago(130),
    },
    {
      name: "apache-include",
      state: "pending",
      blocks: 5,
      unenforced: [],
      lastReconciledAt: ago(8),
      nextApplyAt: ahead(760),
      error: null,
      hint: null,
      note: null,
    },
  ],
  cut: { state: "on", closed: 7, error: null, hint: null, note: null },
  jobs: [
    {
      name: "apply apache-include",
      schedule: "17 * * * *",
      nextRunAt: ahead(760),
      lastRunAt: ago(2_840),
      error: null,
    },
    {
      name: "retention",
      schedule: "23 3 * * *",
      nextRunAt: ahead(40_000),
      lastRunAt: ago(46_400),
      error: null,
    },
  ],
  bans: { active: 0, ineffective: 0 },
  incidents: { open: 0 },
  sockets: { open: 271 },
  events: { access: 1_292_440, opening: 212, error: 20_106, audit: 0, unparsed: 19 },
  counting: { subjects: 4_711, givenUp: 0, givenUpAt: null },
  database: { bytes: 327_155_712, budget: 2_147_483_648, eventsSince: ago(1_500_000) },
  halts: [],
  rules: 9,
  problems: [],
});

const ban = (
  fields: Pick<BanItem, "id" | "target" | "rule" | "reason" | "at" | "until"> & Partial<BanItem>,
): BanItem => ({
  kind: "ban",
  by: fields.rule === null ? "person" : "rule",
  state: "active",
  enforcedBy: ["apache-directory", "apache-include"],
  incident: null,
  ...fields,
});

export const bans = (): BanItem[] => [
  ban({
    id: 7,
    target: "192.0.2.66/32",
    rule: "apache-forbidden",
    reason: "12 requests that Apache forbade in 60 s",
    at: ago(195),
    until: ahead(14_305),
    incident: 3,
  }),
  ban({
    id: 6,
    target: "2001:db8:40:2::/64",
    rule: "ws-origin-foreign",
    reason: "5 WebSocket handshakes from a foreign Origin in 10 min, 3rd ban",
    at: ago(1_260),
    until: ahead(56_340),
    incident: 2,
  }),
  ban({
    id: 5,
    target: "198.51.100.24/32",
    rule: "request-rate",
    reason: "more than 600 requests in 60 s",
    at: ago(3_900),
    until: ahead(90 * 86_400 + 10_500),
    enforcedBy: ["apache-directory"],
    incident: 1,
  }),
  ban({
    id: 4,
    target: "203.0.113.0/24",
    rule: null,
    reason: "rented range, nothing but scans since October; asked the provider",
    at: ago(260_000),
    until: null,
    enforcedBy: [],
  }),
  ban({
    id: 3,
    target: "198.51.100.7/32",
    rule: "auth-repeated",
    reason: "8 failed sign-ins in 5 min",
    at: ago(20_000),
    until: ago(5_600),
    state: "expired",
    enforcedBy: [],
  }),
];

export const allowlist = (): AllowItem[] => [
  { target: "198.51.100.0/28", by: "configuration", reason: "allowlist in sekisho.yaml", at: null },
  {
    target: "203.0.113.9/32",
    by: "person",
    reason: "the <b>scanner</b> that we pay for",
    at: ago(90_000),
  },
];

const finding = (fields: Pick<FindingItem, "id" | "rule" | "title" | "evidence"> & Partial<FindingItem>) => ({
  severity: "high" as const,
  subject: "192.0.2.66",
  firstSeen: ago(150),
  lastSeen: ago(95),
  count: 12,
  spared: null,
  ...fields,
});

export const incidents = (): IncidentDetail[] => [
  {
    id: 3,
    subject: "192.0.2.66",
    target: "192.0.2.66/32",
    severity: "high",
    state: "open",
    openedAt: ago(150),
    lastSeen: ago(95),
    findingCount: 2,
    rules: ["not-found-probing", "apache-forbidden"],
    ban: null,
    bans: [],
    findings: [
      finding({
        id: 31,
        rule: "apache-forbidden",
        title: "Requests that Apache forbids, again and again",
        evidence: Object.values(HOSTILE),
      }),
      finding({
        id: 30,
        rule: "not-found-probing",
        title: "Many distinct paths that do not exist",
        severity: "medium",
        count: 40,
        evidence: ["/.env", "/wp-login.php", "/phpmyadmin/index.php", "/.git/HEAD"].map(
          (path, at) =>
            `192.0.2.66 - - [20/Nov/2026:11:59:5${at} +0000] "GET ${path} HTTP/1.1" 404 196 "-" "Mozilla/5.0 zgrab/0.x"`,
        ),
      }),
    ],
  },
  {
    id: 2,
    subject: "2001:db8:40:2::/64 vhost=app.example.com",
    target: "2001:db8:40:2::/64",
    severity: "critical",
    state: "open",
    openedAt: ago(7_200),
    lastSeen: ago(1_260),
    findingCount: 3,
    rules: ["ws-origin-foreign", "ws-origin-missing"],
    ban: null,
    bans: [],
    findings: [],
  },
  {
    id: 1,
    subject: "198.51.100.24",
    target: "198.51.100.24/32",
    severity: "low",
    state: "open",
    openedAt: ago(3_950),
    lastSeen: ago(3_900),
    findingCount: 1,
    rules: ["request-rate"],
    ban: null,
    bans: [],
    findings: [],
  },
];

export const unparsed = (): EventItem[] =>
  [
    { reason: "format" as const, message: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" },
    {
      reason: "truncated" as const,
      message: '192.0.2.9 - - [20/Nov/2026:11:58:00 +0000] "GET /aaaaaaaaaaaa',
    },
  ].map((fields, id) => ({
    id,
    time: ago(600 + id * 40),
    kind: "unparsed",
    source: "/var/log/apache2/access.log",
    client: null,
    method: null,
    path: null,
    query: null,
    status: null,
    origin: null,
    userAgent: null,
    vhost: null,
    code: null,
    refused: false,
    ...fields,
  }));

/** A day with a slow wave, and an attack that begins 25 minutes ago and is refused from then on. */
export function traffic(minutes: number, started: number): TrafficPoint[] {
  const last = Math.floor(started / 60_000);
  const noise = (minute: number, salt: number): number => (Math.sin(minute * salt) * 43_758.5453) % 1;
  return Array.from({ length: minutes }, (_, at) => {
    const age = minutes - 1 - at;
    const minute = last - age;
    // The running minute has seen a tenth of its requests.
    const part = age === 0 ? 0.1 : 1;
    const wave = part * (90 + 50 * Math.sin((minute % 1_440) / 229) + noise(minute, 12.99) * 9);
    const attack = age < 25 && age > 3 ? Math.round(85 + noise(minute, 78.23) * 30) : 0;
    return {
      time: new Date(minute * 60_000).toISOString(),
      s1xx: Math.round(wave / 12),
      s2xx: Math.round(wave),
      s3xx: Math.round(wave / 5 + noise(minute, 37.7) * 3),
      s4xx: Math.round(wave / 20) + (age > 20 ? attack : Math.round(attack / 12)),
      s5xx: minute % 17 === 0 ? 4 : 0,
      refused: age > 20 ? 0 : attack,
    };
  });
}
