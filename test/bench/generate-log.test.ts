import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { isIpv4, parseIp } from "../../src/model/ip.ts";
import { shareLines } from "./clients.ts";
import { DEFAULT_LOG, generateLog, type LogOptions } from "./generate-log.ts";

const SMALL: LogOptions = { ...DEFAULT_LOG, lines: 20_000, clients: 3_500 };
const linesOf = (options: LogOptions): string[] =>
  [...generateLog(options)].join("").split("\n").slice(0, -1);
const clientsOf = (lines: readonly string[]): Set<string> =>
  new Set(lines.map((line) => line.slice(0, line.indexOf(" "))));
const digest = (options: LogOptions): string =>
  createHash("sha256")
    .update([...generateLog(options)].join(""))
    .digest("hex");

test("the same seed gives the same log, another seed another", () => {
  expect(digest(SMALL)).toBe(digest(SMALL));
  expect(digest({ ...SMALL, seed: 2 })).not.toBe(digest(SMALL));
});

test("a log has exactly the lines and the clients that were asked for", () => {
  const lines = linesOf(SMALL);
  expect(lines).toHaveLength(20_000);
  expect(clientsOf(lines).size).toBe(3_500);
});

test("every client is a valid address, and some are IPv6", () => {
  const clients = [...clientsOf(linesOf(SMALL))];
  expect(clients.filter((client) => parseIp(client) !== client)).toEqual([]);
  const share = clients.filter((client) => !isIpv4(client)).length / clients.length;
  expect(share).toBeGreaterThan(0.1);
  expect(share).toBeLessThan(0.2);
});

test("a million lines have a long tail: a few clients with thousands, most with a handful", () => {
  const shares = shareLines(1_000_000, 175_000);
  expect(shares.reduce((sum, share) => sum + share, 0)).toBe(1_000_000);
  expect(shares[0]).toBeGreaterThan(10_000);
  expect(shares.filter((share) => share <= 2).length).toBeGreaterThan(80_000);
  expect(Math.min(...shares.subarray(-1_000))).toBe(1);
});

test("times never run backwards", () => {
  const times = linesOf(SMALL).map((line) => line.slice(line.indexOf("[") + 1, line.indexOf("]")));
  expect(times).toEqual([...times].sort());
});

test("sessions run on past midnight instead of piling up in the last second", () => {
  const lines = linesOf({ ...SMALL, lines: 60_000, clients: 60 });
  expect(lines.at(-1)).toContain("[21/Nov/2026:0");
  expect(lines.filter((line) => line.includes("[20/Nov/2026:23:59:59")).length).toBeLessThan(5);
});

test("lines are about as long as in the measured log, and of every kind", () => {
  const lines = linesOf(SMALL);
  const mean = lines.reduce((sum, line) => sum + line.length + 1, 0) / lines.length;
  expect(mean).toBeGreaterThan(215);
  expect(mean).toBeLessThan(260);
  for (const part of [
    '" 101 ',
    '" 403 ',
    '" 404 ',
    '" 304 - ',
    "/.env ",
    "Googlebot",
    "UNION%20SELECT",
    "/api/v2/",
  ]) {
    expect(
      lines.some((line) => line.includes(part)),
      part,
    ).toBe(true);
  }
});

test("the sekisho format tells the Origin of a handshake and the microseconds of a request, in order", () => {
  const lines = linesOf({ ...SMALL, format: "sekisho" });
  const times = lines.map((line) => line.slice(0, 26));
  expect(times).toEqual([...times].sort());
  expect(lines.some((line) => line.includes('"https://www.shop.example" "websocket" "chat.v1"'))).toBe(true);
});
