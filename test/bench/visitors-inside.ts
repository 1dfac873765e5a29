/**
 * Runs in the namespace of test/apache.ts: innocent visitors, who make a thousand requests a second until standard input ends.
 * Then it says how many were answered within how many seconds, and how many visits failed.
 */
import { connect } from "node:net";

/** What `refusal` reads of it. */
export interface Visited {
  readonly answered: number;
  readonly seconds: number;
  /** Whatever was not answered with 200, in the words of the first. */
  readonly failed: number;
  readonly failure: string;
}

const REQUESTS_A_SECOND = 1_000;
/** A page and what belongs to it, over one connection. */
const PATHS = ["/", "/style.css", "/script.js", "/picture.png", "/favicon.ico"];
/** So many that bans of some attackers are a small part of all who are served, or the circuit breaker would open. */
const VISITORS = 2_000;
const TICK_MS = 5;

const [, , host] = process.argv as [string, string, string];
let answered = 0;
let failed = 0;
let failure = "";

const textOf = (path: string, isLast: boolean): string =>
  [
    `GET ${path} HTTP/1.1`,
    "Host: site.example",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Accept: */*",
    "Accept-Language: en",
    ...(path === "/" ? [] : ["Referer: http://site.example/"]),
    `Connection: ${isLast ? "close" : "keep-alive"}`,
    "\r\n",
  ].join("\r\n");
const REQUESTS = PATHS.map((path, index) => textOf(path, index === PATHS.length - 1));

/** One visitor asks for a page, then for each thing that belongs to it; `from`: what was answered before. */
function visit(visitor: number, from = 0): void {
  const localAddress = `10.100.${visitor >> 8}.${visitor & 255}`;
  const socket = connect({ host, port: 80, localAddress, noDelay: true });
  let done = from;
  const ask = (): void => void socket.write(REQUESTS[done]!, "latin1");
  const fail = (why: string): void => {
    failed++;
    failure ||= why;
    done = REQUESTS.length;
    socket.destroy();
  };
  socket.setEncoding("latin1");
  socket.on("connect", ask);
  socket.on("error", (error) => fail(error.message));
  // All that is asked for is short, and comes in one piece.
  socket.on("data", (text: string) => {
    if (!text.startsWith("HTTP/1.1 200")) return fail(text.slice(0, 40));
    answered++;
    done++;
    if (done < REQUESTS.length && !/^Connection: close/m.test(text)) ask();
    else socket.end();
  });
  // Apache ends connections at a reload. A browser then opens another one.
  socket.on("close", () => {
    if (done < REQUESTS.length) visit(visitor, done);
  });
}

const started = performance.now();
let visits = 0;
const timer = setInterval(() => {
  const due = ((performance.now() - started) / 1_000) * (REQUESTS_A_SECOND / PATHS.length);
  for (; visits < due; visits++) visit(visits % VISITORS);
}, TICK_MS);
process.stdin.resume().on("end", () => {
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1_000;
  const visited: Visited = { answered, seconds, failed, failure };
  process.stdout.write(`${JSON.stringify(visited)}\n`, () => process.exit(0));
});
