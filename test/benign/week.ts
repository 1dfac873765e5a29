import { Random } from "../bench/random.ts";
import { HOST } from "./site.ts";
import { VISITORS, type Visitors } from "./visitors.ts";
import type { Asked } from "./visits.ts";

const DAY = 86_400;
/** Monday, 2026-11-16, 00:00 UTC. */
const MONDAY = Date.UTC(2026, 10, 16);

/** Lines with the millisecond at which Apache writes them. */
interface Written {
  readonly at: number;
  readonly line: string;
}

interface Logs {
  readonly access: Written[];
  readonly error: Written[];
}

export interface Week {
  /** In Sekisho's own LogFormat, in the order in which Apache writes them: at the end of each request. */
  readonly access: readonly string[];
  readonly error: readonly string[];
  /** Whose address it is. */
  readonly whois: ReadonlyMap<string, string>;
}

/**
 * A week, or its first days, on a site that nobody attacks. `size` 1 is some 400,000 lines a week; more has more visitors, each
 * doing the same.
 */
export function benignWeek(size: number, seed: number, days = 7): Week {
  const random = new Random(seed);
  const [access, error]: [Written[], Written[]] = [[], []];
  const whois = new Map<string, string>();
  let number = 0;
  for (const visitors of VISITORS) {
    for (let address = 0; address < Math.max(1, Math.round(visitors.addresses * size)); address++) {
      const client = addressOf(number++);
      whois.set(client, visitors.who);
      comeFrom(client, visitors, random, days, { access, error });
    }
  }
  return { access: inOrder(access), error: inOrder(error), whois };
}

const inOrder = (written: Written[]): string[] =>
  written.sort((one, other) => one.at - other.at).map(({ line }) => line);

/** Looks public: text in a file, nothing ever contacts it. One in six is IPv6, each in a /48 of its own. */
function addressOf(number: number): string {
  if (number % 6 === 5) return `2a0b:${(0x1000 + number).toString(16)}:7::1:${(number % 999).toString(16)}`;
  return `${31 + (number % 120)}.${Math.floor(number / 120) % 250}.${7 + Math.floor(number / 30_000)}.${1 + (number % 250)}`;
}

function comeFrom(
  client: string,
  { visits, moments, hours = [0, 24], agent, visit }: Visitors,
  random: Random,
  days: number,
  logs: Logs,
): void {
  for (let number = 0; number < visits; number++) {
    const userAgent = agent(random);
    const day = random.below(7);
    const start =
      moments === undefined
        ? day * DAY + hours[0] * 3_600 + random.next() * (hours[1] - hours[0]) * 3_600
        : moments[number % moments.length]! + random.next() * 8;
    let at = start;
    for (const asked of visit(random)) {
      at += asked.after;
      if (at >= days * DAY) break;
      write(client, userAgent, at, asked, random, logs);
    }
  }
}

function write(
  client: string,
  userAgent: string | null,
  second: number,
  asked: Asked,
  random: Random,
  { access, error }: Logs,
): void {
  const { target, method = "GET", status = asked.socket === undefined ? 200 : 101, socket } = asked;
  const { bytes = 400 + random.below(30_000), took = 1 + random.next() * 80, user, referer } = asked;
  const tookMs = socket === undefined || status !== 101 ? took : socket.seconds * 1_000;
  const start = MONDAY + second * 1_000;
  const upgrade = socket === undefined ? '"-" "-" "-"' : `"${socket.origin ?? "-"}" "websocket" "chat.v1"`;
  const header = (value: string | null | undefined): string => value ?? "-";
  const line =
    `${stamp(start)}+0000 ${client} ${client} ${status} ${Math.round(tookMs * 1_000)} ${300 + target.length} ${bytes} + - 443 ${HOST} ` +
    `"${method} ${target} HTTP/2.0" "${HOST}" ${upgrade} "${header(referer)}" "${header(userAgent).replaceAll('"', '\\"')}" "${header(user)}"`;
  access.push({ at: start + tookMs, line });
  if (asked.error !== undefined) error.push({ at: start, line: errorLine(client, start, asked.error) });
}

/** `2026-11-16T07:00:00.123456` */
const stamp = (ms: number): string => {
  const micro = String(Math.floor((ms % 1) * 1_000)).padStart(3, "0");
  return `${new Date(ms).toISOString().slice(0, -1)}${micro}`;
};

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** As Apache's default ErrorLogFormat has it, in UTC. */
function errorLine(client: string, ms: number, message: string): string {
  const time = new Date(ms);
  const clock = time.toISOString().slice(11, 23);
  const [module, ...text] = message.split(" ");
  const port = 1_024 + (Math.floor(ms) % 60_000);
  return `[${DAYS[time.getUTCDay()]} ${MONTHS[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2, "0")} ${clock}000 2026] ${module} [pid 7:tid 9] [client ${client}:${port}] ${text.join(" ")}`;
}
