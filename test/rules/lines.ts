/** Lines as Apache and apps write them; `at` counts seconds from NOON, in UTC. */

/** 2026-11-20T12:00:00Z. */
export const NOON = Date.UTC(2026, 10, 20, 12);

interface Told {
  readonly at: number;
  readonly client?: string;
}

interface Asked extends Told {
  readonly path?: string;
  readonly status?: number;
  readonly origin?: string;
  readonly user?: string;
  /** The version of TLS, `-` for none; absent: the log does not show it. */
  readonly tls?: string;
  readonly seconds?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
}

const CLIENT = "203.0.113.7";
const BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";
const isoOf = (at: number): string => new Date(NOON + at * 1_000).toISOString();

function sekishoLine(asked: Asked, upgrade: "websocket" | "-"): string {
  const { at, client = CLIENT, path = "/ws/", status = 101, origin = "-", user = "-", tls } = asked;
  const { seconds = 1, bytesIn = 318, bytesOut = 166 } = asked;
  const time = isoOf(at).replace("Z", "000+0000");
  const port = tls === undefined ? "443" : `443 ${tls}`;
  const numbers = `${status} ${seconds * 1_000_000} ${bytesIn} ${bytesOut} - - ${port}`;
  return `${time} ${client} ${client} ${numbers} chat.example "GET ${path} HTTP/1.1" "chat.example" "${origin}" "${upgrade}" "-" "-" "${BROWSER}" "${user}"`;
}

/** A handshake in Sekisho's own format; of one that was accepted this is the line at its end. */
export const handshake = (asked: Asked): string =>
  sekishoLine({ origin: "https://chat.example", ...asked }, "websocket");

/** Any other request in that format. */
export const request = (asked: Asked): string => sekishoLine(asked, "-");

function errorLine(at: number, source: string, client: string, message: string): string {
  const [, day, month, date, time, fraction] = isoOf(at)
    .replace(/^(\d+)-(\d+)-(\d+)T([\d:]+)\.(\d+)Z$/, "$1 Fri Nov $3 $4 $5")
    .split(" ");
  return `[${day} ${month} ${date} ${time}.${fraction}000 2026] [${source}] [pid 811:tid 902] [client ${client}:40512] ${message}`;
}

/** What mod_log_debug writes when a WebSocket opens. */
export function opening({
  at,
  client = CLIENT,
  path = "/ws/",
  origin = "https://chat.example",
}: Asked): string {
  const fields = `client=${client} origin=${origin} vhost=chat.example host=chat.example agent=Mozilla/5.0 user= request=GET%20${path}%20HTTP/1.1`;
  return errorLine(at, "log_debug:info", client, `sekisho:opening ${fields} .`);
}

export const denied = ({ at, client = CLIENT, path = "/ws/" }: Asked): string =>
  errorLine(
    at,
    "authz_core:error",
    client,
    `AH01630: client denied by server configuration: proxy:http://127.0.0.1:3000${path}`,
  );

export const failedPassword = ({ at, client = CLIENT, path = "/ws/", user = "ann" }: Asked): string =>
  errorLine(
    at,
    "auth_basic:error",
    client,
    `AH01617: user ${user}: authentication failure for "${path}": Password Mismatch`,
  );

export const unreachable = ({ at, client = CLIENT }: Told): string =>
  errorLine(at, "proxy_http:error", client, "AH01114: HTTP: failed to make connection to backend: 127.0.0.1");

interface Reported extends Told {
  readonly user?: string;
  readonly connection?: string;
  readonly origin?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export const audit = (event: string, { at, client = CLIENT, ...more }: Reported): string =>
  JSON.stringify({ time: isoOf(at), app: "chat", event, client, ...more });
