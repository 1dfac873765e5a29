import { createHash } from "node:crypto";
import type { BanItem } from "../model/api.ts";
import { isIpv4, isSingle, type Target } from "../model/ip.ts";
import { toIso, type UnixMs } from "../model/time.ts";
import { barely, harmless } from "./spelling.ts";

/** Ours alone. The specification keeps its own namespace for another kind of object (STIX 2.1, 2.9). */
const NAMESPACE = Buffer.from("4f2d1c6e9b7a4c35a8e05d3b61f7c2d9", "hex");
/** When the identity was made does not matter; that it stays the same does. */
const IDENTITY_SINCE = "2026-01-01T00:00:00.000Z";

/** RFC 9562, 5.5: the same name gives the same number, so who imports two exports has each ban once. */
export function uuidOf(name: string): string {
  const bytes = createHash("sha1").update(NAMESPACE).update(name).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** A STIX 2.1 bundle: who tells it, and an indicator for each ban. */
export function* stixBundle(bans: Iterable<BanItem>, now: UnixMs, host: string): Generator<string> {
  const identity = `identity--${uuidOf(`identity ${host}`)}`;
  yield `{"type":"bundle","id":"bundle--${uuidOf(`bundle ${host} ${now}`)}","objects":[\n`;
  yield JSON.stringify({
    type: "identity",
    spec_version: "2.1",
    id: identity,
    created: IDENTITY_SINCE,
    modified: IDENTITY_SINCE,
    name: "Sekisho",
    identity_class: "system",
  });
  for (const ban of bans) yield `,\n${JSON.stringify(indicator(ban, identity, host))}`;
  yield "\n]}\n";
}

function indicator({ target, at, until, rule, reason }: BanItem, identity: string, host: string): object {
  const since = toIso(Date.parse(at) as UnixMs);
  return {
    type: "indicator",
    spec_version: "2.1",
    id: `indicator--${uuidOf(`indicator ${host} ${target} ${since}`)}`,
    created_by_ref: identity,
    created: since,
    modified: since,
    name: `${barely(target)} is banned`,
    description: harmless(reason),
    indicator_types: ["malicious-activity"],
    ...(rule === null ? {} : { labels: [rule] }),
    pattern: patternOf(target),
    pattern_type: "stix",
    valid_from: since,
    // It has to be later than valid_from, and a ban of no length holds nobody off.
    ...(until === null || Date.parse(until) <= Date.parse(at) ? {} : { valid_until: until }),
  };
}

function patternOf(target: string): string {
  const kind = isIpv4(target) ? "ipv4-addr" : "ipv6-addr";
  return isSingle(target as Target)
    ? `[${kind}:value = '${barely(target)}']`
    : `[${kind}:value ISSUBSET '${target}']`;
}
