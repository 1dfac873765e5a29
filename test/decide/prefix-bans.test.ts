import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Ledger } from "../../src/decide/ledger.ts";
import { Policy, type PolicySettings } from "../../src/decide/policy.ts";
import { Protected } from "../../src/decide/protected.ts";
import type { Decision, StoredDecision } from "../../src/model/decision.ts";
import type { Finding } from "../../src/model/finding.ts";
import { type DurationMs, NEVER, parseDuration, type UnixMs } from "../../src/model/time.ts";
import { replay } from "../../src/replay/replay.ts";
import { at } from "../evaluate/events.ts";
import { addresses, finding, target } from "../evaluate/findings.ts";
import { ruleSpec } from "../evaluate/rules.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const duration = (text: string): DurationMs => parseDuration(text)!;
const SETTINGS: PolicySettings = {
  ban: duration("1h"),
  factor: 2,
  max: duration("5h"),
  memory: duration("7d"),
  grace: duration("10m"),
  prefixes: { window: duration("1d"), slash24: 4, slash56: 3, slash48: 5 },
};

function policyWith(allowlist: readonly string[] = [], settings = SETTINGS, stored: StoredDecision[] = []) {
  const ledger = new Ledger(settings.memory, () => true, settings.grace);
  ledger.load(stored);
  return {
    ledger,
    policy: new Policy(settings, ledger, new Protected({ allowlisted: allowlist.map(target) })),
  };
}

const decided = (
  policy: Policy,
  subject: string,
  seconds: number,
  fields: Partial<Finding> = {},
): Decision => {
  const [judgement] = policy.decide([finding(subject, seconds, fields)], at(seconds));
  if (judgement?.kind !== "ban") throw new Error(`no ban: ${JSON.stringify(judgement)}`);
  return judgement.decision;
};
/** The targets of the bans, one every second. */
const banned = (policy: Policy, ...subjects: string[]): string[] =>
  subjects.map((subject, second) => decided(policy, subject, second).target);

describe("a prefix is banned", () => {
  test("when enough addresses of an IPv4 /24 were, and the reason says so", () => {
    const { policy } = policyWith();
    expect(banned(policy, ...addresses(3))).toEqual(["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"]);
    expect(decided(policy, "198.51.100.1", 3).target).toBe("198.51.100.1/32");
    const decision = decided(policy, "192.0.2.200", 4);
    expect(decision.target).toBe("192.0.2.0/24");
    expect(decision.reason).toBe("Title: 5 in 10s; 4 addresses of 192.0.2.0/24 banned in 1d");
    expect(decision.until - decision.at).toBe(SETTINGS.ban);
    expect(policy.decide([finding("192.0.2.9", 5)], at(5))).toEqual([{ kind: "none" }]);
  });

  test("when enough /64s of an IPv6 /56 were, and when enough of a /48 were", () => {
    const { policy } = policyWith();
    expect(
      banned(policy, "2001:db8:1::/64", "2001:db8:1:1::/64", "2001:db8:1:aa::/64", "2001:db8:1:100::/64"),
    ).toEqual(["2001:db8:1::/64", "2001:db8:1:1::/64", "2001:db8:1::/56", "2001:db8:1:100::/64"]);
    expect(banned(policy, "2001:db8:1:200::/64", "2001:db8:1:300::/64")).toEqual([
      "2001:db8:1:200::/64",
      "2001:db8:1::/48",
    ]);
  });

  test("for longer when it was banned before", () => {
    const { policy } = policyWith();
    banned(policy, ...addresses(4));
    const again = decided(policy, "192.0.2.77", 4_000);
    expect(again.target).toBe("192.0.2.0/24");
    expect(again.until - again.at).toBe(2 * SETTINGS.ban);
  });

  test("by what was stored, after a restart", () => {
    const before = policyWith();
    const decisions = addresses(3).map((subject, second) => decided(before.policy, subject, second));
    const stored = decisions.map(
      (decision, n): StoredDecision => ({
        ...decision,
        id: n + 1,
        decidedAt: decision.at,
        revokedAt: null,
        incident: null,
      }),
    );
    const { policy } = policyWith([], SETTINGS, stored);
    expect(decided(policy, "192.0.2.200", 10).target).toBe("192.0.2.0/24");
    const lifted = policyWith([], SETTINGS, [...stored.slice(1), { ...stored[0]!, revokedAt: at(5) }]);
    expect(decided(lifted.policy, "192.0.2.200", 10).target).toBe("192.0.2.200/32");
  });
});

describe("a prefix is not banned", () => {
  test("for the same address again, nor for bans of longer ago", () => {
    const { policy } = policyWith();
    const hours = [0, 2, 5, 10, 20, 31].map((hour) => decided(policy, "192.0.2.1", hour * 3_600).target);
    expect(new Set(hours)).toEqual(new Set(["192.0.2.1/32"]));
    const { policy: another } = policyWith();
    const days = addresses(6).map((subject, n) => decided(another, subject, n * 40_000).target);
    expect(days.every((each) => each.endsWith("/32"))).toBe(true);
  });

  test("when somebody in it is never banned; a narrower one is", () => {
    const { policy } = policyWith(["192.0.2.250", "2001:db8:1:ff00::/64"]);
    expect(banned(policy, ...addresses(6)).every((each) => each.endsWith("/32"))).toBe(true);
    const sites = ["100", "200", "300", "400", "401", "402"].map((each) => `2001:db8:1:${each}::/64`);
    expect(banned(policy, ...sites).slice(3)).toEqual([
      "2001:db8:1:400::/64",
      "2001:db8:1:401::/64",
      "2001:db8:1:400::/56",
    ]);
  });

  test("for what a person banned, took back, or an app reported", () => {
    const { policy, ledger } = policyWith();
    for (const address of addresses(3)) ledger.replace(policy.banByPerson(target(address), null, "x", at(0)));
    expect(decided(policy, "192.0.2.100", 1).target).toBe("192.0.2.100/32");
    const report = { source: 3, name: "auth.failed" } as const;
    for (const address of addresses(6, "198.51.100."))
      expect(decided(policy, address, 2, { report }).target).toMatch(/\/32$/);
    expect(decided(policy, "198.51.100.100", 3).target).toMatch(/\/32$/);
  });

  test("again by the next address, once a person has lifted it", () => {
    const { policy, ledger } = policyWith();
    banned(policy, ...addresses(4));
    ledger.revoke(target("192.0.2.0/24"), at(60));
    expect(banned(policy, "198.51.100.1")).toEqual(["198.51.100.1/32"]);
    expect(decided(policy, "192.0.2.77", 3_000).target).toBe("192.0.2.77/32");
  });

  test("for clients of a range that a person let in, of whatever length", () => {
    const clients = ["2001:db8:1::/64", "2001:db8:1:1::/64", "2001:db8:1:100::/64", "2001:db8:1:200::/64"];
    for (const range of ["2001:db8:1::/48", "2001:db8:1::/47", "2001:db8:1::/56", "2001:db8:1::7/128"]) {
      const { policy, ledger } = policyWith();
      banned(policy, ...clients);
      ledger.replace(policy.banByPerson(target(range), null, "x", at(10)));
      ledger.revoke(target(range), at(20));
      const lifted = { "/48": 0, "/47": 0, "/56": 2, "/128": 4 }[range.slice(range.indexOf("/"))];
      const limits = { ...SETTINGS.prefixes!, slash48: 1 };
      const [wider] = ledger.prefixes.reached(target("2001:db8:1:300::/64"), at(30), limits);
      expect([range, wider?.why]).toEqual([range, expect.stringMatching(`^${lifted! + 1} networks`)]);
    }
  });

  test("where the configuration says 0, or says nothing", () => {
    const never = { window: duration("1d"), slash24: 0, slash56: 0, slash48: 0 };
    const { prefixes: _, ...nothing } = SETTINGS;
    for (const settings of [{ ...SETTINGS, prefixes: never }, nothing])
      expect(new Set(banned(policyWith([], settings).policy, ...addresses(20))).size).toBe(20);
  });

  test("for bans that had passed when they were decided", () => {
    const { policy } = policyWith();
    const old = addresses(8).map((subject) => finding(subject, -86_000));
    const targets = policy.decide(old, at(0)).map((each) => each.kind === "ban" && each.decision.target);
    expect(targets.every((each) => String(each).endsWith("/32"))).toBe(true);
  });
});

test("lets go of what is too long ago to count", () => {
  const { policy, ledger } = policyWith();
  banned(policy, ...addresses(3));
  ledger.purge((at(0) + SETTINGS.memory + 10_000) as UnixMs);
  expect(ledger.prefixes.reached(target("192.0.2.9"), at(4), { ...SETTINGS.prefixes!, slash24: 2 })).toEqual(
    [],
  );
});

test("tens of thousands are let in at once without looking for each among the others", () => {
  const { ledger } = policyWith();
  const clients = Array.from({ length: 20_000 }, (_, n) =>
    target(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`),
  );
  const ban = { at: at(0), until: at(3_600), by: "rule", reportedBy: null } as const;
  for (const client of clients) ledger.record({ target: client, ...ban }, at(0));
  for (const client of clients) ledger.revoke(client, at(1));
  const [first] = clients;
  expect(ledger.prefixes.reached(first!, at(2), { ...SETTINGS.prefixes!, slash24: 2 })).toEqual([]);
});

test("replay shows it", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "access.log");
  const lines = addresses(5).flatMap((address, n) =>
    [0, 1, 2].map(
      (second) => `${address} - - [20/Nov/2026:12:0${n}:0${second} +0000] "GET / HTTP/1.1" 403 10 "-" "test"`,
    ),
  );
  writeFileSync(file, `${lines.join("\n")}\n`);
  const {
    verdict: { decisions },
  } = await replay({
    files: [file],
    rules: [{ id: "r", spec: ruleSpec("r") }],
    origins: [],
    policy: SETTINGS,
    protectedTargets: Protected.nobody,
    format: null,
    timezone: "UTC",
    trustedProxies: [],
    onProgress: () => {},
  });
  expect(decisions.map((decision) => decision.target)).toEqual([
    ...["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32", "192.0.2.0/24"],
  ]);
  expect(decisions.every(({ until }) => until < NEVER)).toBe(true);
});
