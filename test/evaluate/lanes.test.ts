import { describe, expect, test } from "vitest";
import { type Consumed, Evaluator } from "../../src/evaluate/evaluator.ts";
import type { AuditTrust, TrustOf } from "../../src/model/audit.ts";
import type { AuditEvent, AuditName } from "../../src/model/event.ts";
import type { Finding } from "../../src/model/finding.ts";
import { audit } from "./events.ts";
import { ruleOf } from "./rules.ts";

const rule = ruleOf("reported", {
  events: "audit",
  match: { name: ["ws.rate_exceeded", "input.rejected", "auth.failed"] },
  cooldown: "2s",
});

const CHAT = 3;
const SHOP = 4;
const trust = (name: string, mayBan: string[]): AuditTrust => ({
  name,
  mayBan,
  maxBanShare: 0.5,
  bansAlways: 20,
});
const trusts = new Map([
  [CHAT, trust("chat", ["ws.rate_exceeded"])],
  [SHOP, trust("shop", ["input.rejected", "ws.rate_exceeded"])],
]);
const trustOf: TrustOf = (source) => trusts.get(source) ?? null;

let seconds = 0;
const report = (source: number, name: AuditName): AuditEvent => ({
  ...audit("192.0.2.7", seconds++, name),
  source,
});
const story = (...reports: readonly [number, AuditName][]): AuditEvent[] => {
  seconds = 0;
  return reports.map(([source, name]) => report(source, name));
};
const reportsOf = (evaluator: Evaluator, events: readonly AuditEvent[]) =>
  evaluator.evaluate(events).map(({ report: by }) => by);

describe("hits of an app", () => {
  test("are not completed by events that it may not ban for", () => {
    const events = story([CHAT, "ws.rate_exceeded"], [CHAT, "input.rejected"], [CHAT, "ws.rate_exceeded"]);
    expect(reportsOf(new Evaluator([rule], trustOf), events)).toEqual([]);
  });

  test("are not spoilt by events that it may not ban for: the ban comes with the third that counts", () => {
    const events = story(
      [CHAT, "ws.rate_exceeded"],
      [CHAT, "input.rejected"],
      [CHAT, "ws.rate_exceeded"],
      [CHAT, "input.rejected"],
      [CHAT, "input.rejected"],
      [CHAT, "ws.rate_exceeded"],
    );
    expect(reportsOf(new Evaluator([rule], trustOf), events)).toEqual([
      { source: CHAT, name: "input.rejected" },
      { source: CHAT, name: "ws.rate_exceeded" },
    ]);
  });

  test("are not lent to another app", () => {
    const events = story([CHAT, "ws.rate_exceeded"], [CHAT, "ws.rate_exceeded"], [SHOP, "ws.rate_exceeded"]);
    expect(reportsOf(new Evaluator([rule], trustOf), events)).toEqual([]);
  });

  test("count together whatever their names where nobody limits the source", () => {
    const events = story([9, "ws.rate_exceeded"], [9, "input.rejected"], [9, "auth.failed"]);
    expect(reportsOf(new Evaluator([rule], trustOf), events)).toEqual([{ source: 9, name: "auth.failed" }]);
  });
});

const STORY = story(
  ...Array.from({ length: 24 }, (_, n): [number, AuditName] => [
    n % 3 === 0 ? SHOP : CHAT,
    n % 2 === 0 ? "ws.rate_exceeded" : "input.rejected",
  ]),
);

test.each(STORY.map((_, n) => n))("a restart after event %i mixes up nobody's hits", (killedAt) => {
  const told = (findings: readonly Finding[]) =>
    findings.map(({ report: by, lastSeen }) => ({ by, lastSeen }));
  const whole = told(new Evaluator([rule], trustOf).evaluate(STORY));
  expect(whole.length).toBeGreaterThan(5);
  const before = new Evaluator([rule], trustOf).evaluate(STORY.slice(0, killedAt));
  const consumed: Consumed[] = before.map(({ subject, rule: id, eventIndex, lastSeen, report: by }) => ({
    subject,
    rule: id,
    throughEvent: eventIndex + 1,
    at: lastSeen,
    report: by,
  }));
  const restarted = new Evaluator([rule], trustOf);
  restarted.restore([{ firstEvent: 1, events: STORY.slice(0, killedAt) }], consumed, []);
  expect(told([...before, ...restarted.evaluate(STORY.slice(killedAt))])).toEqual(whole);
});
