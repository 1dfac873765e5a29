import { describe, expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import type { LogEvent } from "../../src/model/event.ts";
import type { Finding } from "../../src/model/finding.ts";
import { access, audit } from "./events.ts";
import { ruleOf } from "./rules.ts";

const rule = (id: string, bucket: object, spec: object = {}) =>
  ruleOf(id, { bucket, cooldown: "30s", ...spec });

const rules = [
  rule("threshold", { kind: "threshold", count: 3, window: "1m" }),
  rule("slow", { kind: "threshold", count: 5, window: "1m" }, { cooldown: "1m" }),
  rule(
    "audited",
    { kind: "threshold", count: 3, window: "1m" },
    { events: "audit", match: { name: "ws.rate_exceeded" } },
  ),
  rule("distinct", { kind: "distinct", of: "path", count: 3, window: "1m" }, { cooldown: "5s" }),
  rule("trigger", { kind: "trigger" }, { match: { path: "/2" }, cooldown: "20s" }),
  rule("leaky", { kind: "leaky", capacity: 3, leak: 1, per: "10s" }, { cooldown: "5s" }),
  rule(
    "ratio",
    { kind: "ratio", matching: { path: ["/1", "/2"] }, share: 0.4, count: 4, window: "30s" },
    { cooldown: "5s" },
  ),
  rule(
    "sequence",
    { kind: "sequence", steps: [{ path: "/1" }, { path: "/3" }, { path: "/0" }], window: "40s" },
    { cooldown: "5s" },
  ),
];

const paired = rule("paired", { kind: "threshold", count: 3, window: "1m" }, { subject: "address+user" });
const wide = rule(
  "wide",
  { kind: "distinct", of: "client", count: 3, window: "1m" },
  { subject: "prefix", cooldown: "5s" },
);
const spread = rule(
  "spread",
  { kind: "distinct", of: "path", count: 4, clients: 3, window: "1m" },
  { subject: "prefix", cooldown: "5s" },
);
const named = rule(
  "named",
  { kind: "leaky", capacity: 2, leak: 1, per: "30s" },
  { subject: "user", ban: "none" },
);
const unless = rule(
  "unless",
  { kind: "threshold", count: 3, window: "30s" },
  { unless: { match: { path: "/4" }, share: 0.5, window: "50s" }, cooldown: "5s" },
);
const summed = (id: string, path: string, count: number) =>
  rule(
    id,
    { kind: "threshold", count, window: "40s" },
    { match: { path }, severity: "high", tags: ["summed"], cooldown: "25s" },
  );
const score = rule(
  "score",
  { kind: "score", of: ["summed"], rules: 2, perRule: 2, count: 8, window: "30s" },
  { match: {}, cooldown: "5s" },
);
rules.push(unless, paired, wide, spread, named, summed("some", "/0", 3), summed("others", "/3", 4), score);
rules.push(
  rule("surge", { kind: "surge", window: "10s", past: 2, times: 1.2, count: 3 }, { cooldown: "5s" }),
);

const denied = (client: string, second: number) =>
  access(client, second, {
    status: 403,
    path: `/${(second * 7) % 5}`,
    user: second % 2 === 0 ? "eve" : null,
  });
/** Every seventh line is some seconds late. */
const story: LogEvent[] = Array.from({ length: 100 }, (_, n) => {
  const second = n % 7 === 0 ? n - 4 : n;
  if (n % 3 === 0) return denied(`192.0.2.${n % 4}`, second);
  return n % 3 === 1 ? audit("2001:db8::1", second, "ws.rate_exceeded") : denied("2001:db8:5::9", second);
});

describe("restart", () => {
  const undisturbed = new Evaluator(rules).evaluate(story);

  test("is tried with findings of every kind of bucket", () => {
    expect(new Set(undisturbed.map((finding) => finding.rule))).toEqual(new Set(rules.map(({ id }) => id)));
  });

  test.each(story.slice(1).map((_, n) => n + 1))("after event %i changes no finding", (killedAt) => {
    const before = new Evaluator(rules).evaluate(story.slice(0, killedAt));
    const consumed = before.map(({ subject, rule, eventIndex, lastSeen, report }) => ({
      subject,
      rule,
      throughEvent: eventIndex + 1,
      report,
      at: lastSeen,
    }));
    const restarted = new Evaluator(rules);
    restarted.restore([{ firstEvent: 1, events: story.slice(0, killedAt) }], consumed, []);
    const after = restarted.evaluate(story.slice(killedAt));
    const told = (findings: readonly Finding[]) => findings.map(({ eventIndex: _, ...finding }) => finding);
    expect(told([...before, ...after])).toEqual(told(undisturbed));
  });
});
