/** What can be asked of each kind of event. `target` is put together, `searched`, `handshake` and `foreignOrigin` are concluded, not read. */
export const FIELDS = {
  access: [
    "method",
    "path",
    "query",
    "target",
    "searched",
    "protocol",
    "status",
    "bytes",
    "referer",
    "userAgent",
    "origin",
    "upgrade",
    "host",
    "user",
    "vhost",
    "durationUs",
    "bytesIn",
    "bytesOut",
    "handshake",
    "foreignOrigin",
    "openSockets",
    "tls",
    "crawler",
  ],
  error: ["level", "module", "code", "message", "severity", "requestId"],
  audit: ["name", "app", "user", "connection", "origin", "path", "detail"],
} as const;
export type FieldName = (typeof FIELDS)[keyof typeof FIELDS][number];

/** Those of access events that are known when a WebSocket opens. */
export const OPENING_FIELDS: readonly FieldName[] = [
  ...([
    "method",
    "path",
    "query",
    "target",
    "searched",
    "protocol",
    "userAgent",
    "origin",
    "host",
    "user",
  ] as const),
  ...(["handshake", "foreignOrigin", "openSockets"] as const),
];

/** What each field is, for the documentation and for editors. */
export const FIELD_MEANINGS: Readonly<Record<FieldName, string>> = {
  method: "GET, POST, or what the client wrote instead.",
  path: "The path as sent, percent-encoded, without the query; of an audit event, what the app says.",
  query: "What stands behind the question mark; not sent when there was none.",
  target: "Path and query as sent, with the question mark between them where there is a query.",
  searched:
    "What somebody searches for: the value of a parameter named q, s, k, w, query, search, search_query, keyword, keywords, term, text or title, where the path and all other parameters are plain; not sent otherwise.",
  protocol: "HTTP/1.1, HTTP/2.0.",
  status: "The status of the answer, a number.",
  bytes: "Size of the answer, a number.",
  referer: "The header Referer.",
  userAgent: "The header User-Agent.",
  origin: "The header Origin; of an audit event, what the app says.",
  upgrade: "The header Upgrade.",
  host: "The header Host.",
  user: "Who signed in at Apache; of an audit event, what the app says.",
  vhost: "The virtual host that answered.",
  durationUs: "How long the answer took, a number of microseconds.",
  bytesIn: "All bytes received, a number.",
  bytesOut: "All bytes sent, a number.",
  handshake: "true for a WebSocket handshake, else false.",
  foreignOrigin: "true when Origin is not one of the site's own, false when it is.",
  openSockets:
    "How many WebSockets the client (IPv6: its /64) has open, a number; known when one opens, where Apache tells of openings and ends are read.",
  crawler:
    "Of a client that names itself a known search engine: verified, unverified or disproved; not sent by all others.",
  tls: "The version of TLS, as in TLSv1.3; not sent where the request came without TLS.",
  level: "error, warn, notice and so on.",
  module: "Apache's module, as in authz_core.",
  code: "Apache's message number, as in AH01630; of ModSecurity the number of its rule, as in 913100.",
  message: "What Apache says behind the client and the number.",
  severity: "ModSecurity's: emergency, alert, critical, error, warning, notice, info or debug.",
  requestId: "Apache's number of the request, where ModSecurity or the format (%L) shows it.",
  name: "The event's name, as in ws.rate_exceeded or app.anything.",
  app: "The app that reports.",
  connection: "The app's name of the connection.",
  detail: "The event's detail, as JSON text.",
};
