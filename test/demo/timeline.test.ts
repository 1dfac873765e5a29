import { expect, test } from "vitest";
import { linesOf } from "../../src/demo/log-lines.ts";
import { SCENES } from "../../src/demo/scenes.ts";
import { type Beat, timeline } from "../../src/demo/timeline.ts";
import { parseIp, parseTarget, TargetSet, targetOf } from "../../src/model/ip.ts";
import { unixMs } from "../../src/model/time.ts";

const START = Date.UTC(2026, 10, 20, 12);
const DOCUMENTATION = new TargetSet(
  ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"].map((range) => parseTarget(range)!),
);

function beatsUntil(end: number): Beat[] {
  const beats: Beat[] = [];
  for (const beat of timeline()) {
    if (beat.at >= end) return beats;
    beats.push(beat);
  }
  return beats;
}

const hour = beatsUntil(3_600_000);
const lines = hour.flatMap((beat) => [...linesOf(beat, unixMs(START + beat.at))]);
const isVisitor = ({ client }: Beat): boolean =>
  client.startsWith("192.0.2.") || client.startsWith("2001:db8:1:");

test("an hour happens in order and does not end", () => {
  expect(hour.length).toBeGreaterThan(10_000);
  expect(hour.every((beat, at) => at === 0 || hour[at - 1]!.at <= beat.at)).toBe(true);
});

test("every client is a documentation address", () => {
  const strangers = hour.filter(({ client }) => {
    const ip = parseIp(client);
    return ip !== client || DOCUMENTATION.covering(targetOf(ip)) === null;
  });
  expect(strangers).toEqual([]);
});

test("no line names a real host", () => {
  const hosts = lines.flatMap(([, line]) =>
    [...line.matchAll(/\bhttps?:\/\/([^/"\s]+)/g)].map((match) => match[1]!),
  );
  expect(new Set(hosts)).toEqual(new Set(["chat.example", "evil.example"]));
});

test("visitors come at two to six lines a second, in every ten seconds of the hour", () => {
  const tens = new Array<number>(360).fill(0);
  for (const beat of hour.filter(isVisitor)) tens[Math.floor(beat.at / 10_000)]!++;
  expect(Math.min(...tens)).toBeGreaterThanOrEqual(20);
  expect(Math.max(...tens)).toBeLessThanOrEqual(60);
});

test("every scene begins in the first twelve seconds, and attackers never rest for a minute after that", () => {
  const attacks = hour.filter((beat) => !isVisitor(beat));
  const opening = new Set(
    attacks.filter(({ at }) => at < 12_000).map(({ client }) => client.replace(/::\d$/, "::")),
  );
  expect(opening.size).toBe(SCENES.length);
  expect(attacks.every((beat, at) => at === 0 || beat.at - attacks[at - 1]!.at < 60_000)).toBe(true);
});

test("each round is by another attacker, so that the dashboard goes on showing new ones", () => {
  const forbidden = hour.filter(({ act }) => act.log === "access" && act.status === 403);
  expect(new Set(forbidden.map(({ client }) => client)).size).toBeGreaterThan(10);
});

test("an attacking network uses several addresses of one /64", () => {
  const foreign = hour.filter(({ act }) => act.log === "access" && act.origin === "https://evil.example");
  const first = foreign.filter(({ at }) => at < 30_000);
  expect(new Set(first.map(({ client }) => client)).size).toBeGreaterThan(3);
  expect(new Set(first.map(({ client }) => targetOf(parseIp(client)!))).size).toBe(1);
});
