/**
 * Writes an access log that never happened: a shop's day, in order, the same bytes for the same seed.
 * `bin/node test/bench/generate-log.ts --lines 1000000 --seed 1 --out FILE [--clients N] [--format combined|sekisho]`
 * Its addresses look public, since 175,000 clients do not fit into the documentation networks. They are text in a
 * file: nothing ever contacts them.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { addressOf, type ClientKind, kindOf, shareLines } from "./clients.ts";
import { Random } from "./random.ts";
import { nextRequest, type Request, SITE, userAgentOf } from "./traffic.ts";

export const LOG_FORMATS = ["combined", "sekisho"] as const;
export interface LogOptions {
  readonly lines: number;
  readonly clients: number;
  readonly seed: number;
  readonly format: (typeof LOG_FORMATS)[number];
}
export const DEFAULT_LOG: LogOptions = { lines: 1_000_000, clients: 175_000, seed: 1, format: "combined" };

const DAY = 86_400;
const MAX_SESSION = 400;
/** Sessions that began before midnight run on into the next day; the longest takes some 80 minutes. */
const END = DAY + 7_200;

/** A stretch of one client's requests. */
interface Session {
  readonly client: number;
  readonly start: number;
  readonly requests: number;
}

interface Client {
  readonly address: string;
  readonly kind: ClientKind;
  readonly userAgent: string | null;
}

/** The log in pieces of one second each, in order; every piece ends with a newline or is empty. */
export function* generateLog({ lines, clients, seed, format }: LogOptions): Generator<string> {
  const random = new Random(seed);
  const shares = shareLines(lines, Math.min(clients, lines));
  const sessions = planSessions(shares, random);
  const seconds: string[][] = Array.from({ length: END }, () => []);
  const write = format === "combined" ? combinedLine : sekishoLine;
  let next = 0;
  for (let second = 0; second < END; second++) {
    for (; next < sessions.length && sessions[next]!.start === second; next++) {
      const session = sessions[next]!;
      const client = clientOf(session.client, shares[session.client]!, seed);
      for (const [at, request] of requestsOf(session, client.kind)) {
        seconds[at]!.push(write(client, at, request, random));
      }
    }
    const piece = format === "combined" ? seconds[second]! : seconds[second]!.sort();
    seconds[second] = [];
    yield piece.join("");
  }
}

/** Cuts each client's share into sessions and puts them in order of their start. */
function planSessions(shares: Uint32Array, random: Random): Session[] {
  const sessions: Session[] = [];
  for (let client = 0; client < shares.length; client++) {
    for (let left = shares[client]!; left > 0; ) {
      const requests = Math.min(left, 1 + random.below(left > MAX_SESSION ? MAX_SESSION : 30));
      sessions.push({ client, start: secondOfDay(random), requests });
      left -= requests;
    }
  }
  return sessions.sort((a, b) => a.start - b.start);
}

/** Quiet at night, busiest in the afternoon. */
function secondOfDay(random: Random): number {
  for (;;) {
    const second = random.below(DAY);
    if (random.next() < 0.6 - 0.4 * Math.cos((2 * Math.PI * (second - 10_800)) / DAY)) return second;
  }
}

/** What a client is follows from its number, so that it is the same in each of its sessions. */
function clientOf(number: number, share: number, seed: number): Client {
  const random = new Random(Math.imul(number, 0x9e37_79b1) ^ seed);
  const kind = kindOf(share, random);
  return { address: addressOf(number, seed), kind, userAgent: userAgentOf(kind, random) };
}

/** With the second of the day in which each happens. */
function* requestsOf({ client, start, requests }: Session, kind: ClientKind): Generator<[number, Request]> {
  const random = new Random(Math.imul(client, 0x85eb_ca6b) ^ start);
  let second = start;
  for (let step = 0; step < requests; step++) {
    const request = nextRequest(kind, step, random);
    second = Math.min(second + request.pause, END - 1);
    yield [second, request];
  }
}

const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`);
const dayOf = (second: number): number => (second < DAY ? 20 : 21);
const timeOfDay = (second: number): string =>
  `${two(Math.floor(second / 3600) % 24)}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
const header = (value: string | null): string => value ?? "-";

/** `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"` */
function combinedLine({ address, userAgent }: Client, second: number, request: Request): string {
  const { method, target, status, bytes, referer } = request;
  const size = status === 304 || method === "HEAD" ? "-" : bytes;
  return `${address} - - [${dayOf(second)}/Nov/2026:${timeOfDay(second)} +0000] "${method} ${target} HTTP/1.1" ${status} ${size} "${header(referer)}" "${header(userAgent)}"\n`;
}

/** Sekisho's own LogFormat, as `sekisho apache snippet` prints it. */
function sekishoLine(
  { address, userAgent, kind }: Client,
  second: number,
  request: Request,
  random: Random,
): string {
  const { method, target, status, bytes, referer, upgrade } = request;
  const microseconds = String(random.below(1_000_000)).padStart(6, "0");
  const duration = upgrade ? 1_000_000 * (1 + random.below(1_200)) : 200 + random.below(90_000);
  const foreign = kind === "attacker" ? "https://evil.example" : SITE;
  const socket = upgrade ? `"${foreign}" "websocket" "chat.v1"` : '"-" "-" "-"';
  return `2026-11-${dayOf(second)}T${timeOfDay(second)}.${microseconds}+0000 ${address} ${address} ${status} ${duration} ${300 + target.length} ${bytes + 250} + - 443 www.shop.example "${method} ${target} HTTP/1.1" "www.shop.example" ${socket} "${header(referer)}" "${header(userAgent)}" "-"\n`;
}

/** Returns how many bytes were written. */
export function writeLog(file: string, options: LogOptions): number {
  const descriptor = openSync(file, "w");
  try {
    let bytes = 0;
    let pending = "";
    for (const piece of generateLog(options)) {
      pending += piece;
      if (pending.length < 1 << 20) continue;
      bytes += writeAll(descriptor, pending);
      pending = "";
    }
    return bytes + writeAll(descriptor, pending);
  } finally {
    closeSync(descriptor);
  }
}

function writeAll(descriptor: number, text: string): number {
  const buffer = Buffer.from(text, "latin1");
  for (let at = 0; at < buffer.length; ) at += writeSync(descriptor, buffer, at);
  return buffer.length;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      lines: { type: "string", default: String(DEFAULT_LOG.lines) },
      clients: { type: "string", default: String(DEFAULT_LOG.clients) },
      seed: { type: "string", default: String(DEFAULT_LOG.seed) },
      format: { type: "string", default: DEFAULT_LOG.format },
      out: { type: "string" },
    },
  });
  const format = LOG_FORMATS.find((name) => name === values.format);
  const [lines, clients, seed] = [values.lines, values.clients, values.seed].map(Number);
  if (
    values.out === undefined ||
    format === undefined ||
    !(lines! > 0) ||
    !(clients! > 0) ||
    Number.isNaN(seed)
  ) {
    console.error(
      "usage: generate-log.ts --out FILE [--lines N] [--clients N] [--seed N] [--format combined|sekisho]",
    );
    process.exitCode = 2;
  } else {
    const bytes = writeLog(values.out, { lines: lines!, clients: clients!, seed: seed!, format });
    console.log(`${values.out}: ${lines} lines, ${bytes} bytes`);
  }
}
