import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import type { Apache } from "../apache.ts";

/** A time read in a wrong zone is off by a quarter of an hour at least; on a busy machine requests come a while after they were made. */
export const ZONE_MS = 15 * 60_000;
/** Apache writes its times in this machine's. */
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A request whose values an attacker chose; `null` is a header that is not sent. */
export interface HostileRequest {
  readonly user: string | null;
  readonly path: string;
  readonly query: string | null;
  readonly referer: string | null;
  readonly userAgent: string | null;
  readonly origin: string | null;
}

/** What attackers write: pieces that would be columns if anyone believed them. */
const fragment = fc.constantFrom(
  ...['"', '""', '\\"', "\\", " ", "  ", "-", ":", "[", "]", "] ", "%", "%s", "%{c}a", "'", ",", "|"],
  ...[
    "9.9.9.9",
    "9.9.9.9 - - ",
    "::1",
    "200",
    " 404 ",
    '" 403 1 "',
    "\\x41",
    "\\n",
    "%0a",
    "%22",
    "é",
    "\xff",
    "山",
  ],
  ...["[01/Jan/2020:00:00:00 +0000]", ' [01/Jan/2020:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"'],
  ...["[client 9.9.9.9:1] AH01630: ", "] [client 9.9.9.9:1] ", ", referer: ", '[id "913100"] ', "a", "z"],
);
/** Apache reads bytes: what is sent is one character a byte. */
const bytes = fc
  .array(fragment, { maxLength: 7 })
  .map((parts) => Buffer.from(parts.join(""), "utf8").toString("latin1"));
/** Apache takes the white space around a header's value away. */
const headerValue = bytes.map((text) => text.trim());
const unsafe = (text: string, pattern: RegExp) => text.replace(pattern, "");
/** As the request line has it: neither spaces nor what Apache answers with 400. */
const target = bytes.map((text) => unsafe(text, /[^!-~\x80-\xff]|[%?#]/g));

export const hostileRequest: fc.Arbitrary<HostileRequest> = fc.record({
  user: fc.option(
    fc.tuple(bytes, fc.constantFrom("", "\x01", "\t", "\n", "\r\n")).map(([a, b]) => unsafe(a + b + a, /:/g)),
  ),
  path: target,
  query: fc.option(target),
  referer: fc.option(headerValue),
  userAgent: fc.option(headerValue),
  origin: fc.option(headerValue),
});

/** As it goes over the wire. `number` is in its path, so that its lines are found again. */
export function wire(sent: HostileRequest, number: number, host: string, last: boolean): string {
  const { user, referer, userAgent, origin } = sent;
  const headers = {
    Host: host,
    Authorization:
      user === null ? null : `Basic ${Buffer.from(`${user}:wrong`, "latin1").toString("base64")}`,
    Referer: referer,
    "User-Agent": userAgent,
    Origin: origin,
    Connection: last ? "close" : null,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === null ? [] : `${name}: ${value}`,
  );
  return `GET ${targetOf(sent, number)} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

export const pathOf = ({ user, path }: HostileRequest, number: number): string =>
  `/${user === null ? "private" : "members"}/${number}/${path}`;
const targetOf = (sent: HostileRequest, number: number): string =>
  pathOf(sent, number) + (sent.query === null ? "" : `?${sent.query}`);

/** Sends them one after the other through one connection. */
export async function sendAll(
  apache: Apache,
  from: string,
  requests: readonly HostileRequest[],
  first: number,
  host = "site.example",
): Promise<void> {
  const raw = requests.map((sent, index) => wire(sent, first + index, host, index === requests.length - 1));
  await apache.request({ from, path: "/", raw: raw.join("") });
}

/** The lines of a log, once there are `count` or no more come. Apache writes a line a moment after its answer. */
export async function linesOf(file: string, count: number): Promise<string[]> {
  for (let waited = 0; ; waited += 10) {
    const lines = existsSync(file) ? readFileSync(file, "latin1").split("\n").slice(0, -1) : [];
    if (lines.length >= count || waited >= 5_000) return lines;
    await sleep(10);
  }
}
