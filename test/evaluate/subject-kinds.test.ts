import { describe, expect, test } from "vitest";
import { Ledger } from "../../src/decide/ledger.ts";
import { Policy } from "../../src/decide/policy.ts";
import { Protected } from "../../src/decide/protected.ts";
import { compileRule } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { unlimited } from "../../src/model/audit.ts";
import type { AccessEvent } from "../../src/model/event.ts";
import { parseTarget, type Target } from "../../src/model/ip.ts";
import { type DurationMs, NEVER } from "../../src/model/time.ts";
import { access, errorEvent } from "./events.ts";
import { ruleOf, ruleSpec } from "./rules.ts";

const spec = (subject: string, fields: object = {}) =>
  ruleSpec("r", {
    subject,
    bucket: { kind: "threshold", count: 2, window: "1m" },
    ban: subject === "vhost" || subject === "user" ? "none" : "default",
    ...fields,
  });
const compiled = (subject: string, fields: object = {}) =>
  compileRule({ id: "r", spec: spec(subject, fields) }, { origins: new Set() });
const denied = (client: string, seconds: number, fields: Partial<AccessEvent> = {}) =>
  access(client, seconds, { status: 403, ...fields });
const subjectsOf = (subject: string, events: readonly AccessEvent[], fields: object = {}) =>
  new Evaluator([compiled(subject, fields)]).evaluate(events).map((finding) => finding.subject);
const HOUR = 3_600_000 as DurationMs;

function judgementsOf(subject: string, events: readonly AccessEvent[], allowlist: readonly Target[] = []) {
  const lengths = { ban: HOUR, factor: 2, max: HOUR, memory: HOUR };
  const ledger = new Ledger(HOUR, () => false);
  const policy = new Policy(lengths, ledger, new Protected({ allowlisted: allowlist }));
  return policy.decide(new Evaluator([compiled(subject)]).evaluate(events), NEVER);
}

describe("what counts together", () => {
  test("address+vhost: the hits of an address on one virtual host", () => {
    const on = (vhost: string | undefined, seconds: number) => denied("192.0.2.7", seconds, { vhost });
    expect(subjectsOf("address+vhost", [on("a", 0), on("b", 1), on(undefined, 2), on("c", 3)])).toEqual([]);
    expect(subjectsOf("address+vhost", [on("a", 0), on("b", 1), on("a", 2)])).toEqual(["192.0.2.7 vhost=a"]);
  });

  test("address+user: the hits of an address as one user, of an IPv6 network together", () => {
    const as = (client: string, user: string | null) => denied(client, 0, { user });
    const events = [as("2001:db8::1", "eve"), as("2001:db8::2", null), as("2001:db8::3", "eve")];
    expect(subjectsOf("address+user", events)).toEqual(["2001:db8::/64 user=eve"]);
  });

  test.each([
    ["vhost", { vhost: "a.example" }, "vhost=a.example"],
    ["user", { user: "eve" }, "user=eve"],
  ])("%s: the hits of all addresses", (subject, fields, printed) => {
    const events = [denied("192.0.2.7", 0, fields), denied("2001:db8::1", 1, fields)];
    expect(subjectsOf(subject, events)).toEqual([printed]);
    expect(judgementsOf(subject, events)).toEqual([{ kind: "none" }]);
  });

  test("code: the lines of all clients that have one message number", () => {
    const rule = ruleOf("r", {
      events: "error",
      match: {},
      subject: "code",
      bucket: { kind: "threshold", count: 2, window: "1m" },
      ban: "none",
    });
    const lines = [
      errorEvent("192.0.2.7", 0, "AH01114"),
      errorEvent("192.0.2.8", 1, "AH01102"),
      errorEvent("2001:db8::1", 2, "AH01114"),
    ];
    expect(new Evaluator([rule]).evaluate(lines).map(({ subject }) => subject)).toEqual(["code=AH01114"]);
  });

  test.each([
    ["prefix", "192.0.2.7", "192.0.2.8", "192.0.2.0/24"],
    ["prefix", "2001:db8:1:10::1", "2001:db8:1:1f::1", "2001:db8:1::/56"],
    ["prefix48", "2001:db8:1:10::1", "2001:db8:1:ff00::1", "2001:db8:1::/48"],
  ])("%s: the hits of %s and %s, as %s", (subject, first, second, printed) => {
    const events = [denied(first, 0), denied(second, 1)];
    expect(subjectsOf(subject, events)).toEqual([printed]);
    expect(judgementsOf(subject, events)).toMatchObject([{ kind: "ban", decision: { target: printed } }]);
  });

  test("a prefix of which enough addresses misbehave, not one of them often", () => {
    const bucket = { kind: "distinct", of: "client", count: 3, window: "1m" };
    const often = Array.from({ length: 20 }, (_, n) => denied("192.0.2.7", n));
    expect(subjectsOf("prefix", often, { bucket })).toEqual([]);
    const many = [7, 8, 9].map((last) => denied(`192.0.2.${last}`, 1));
    expect(subjectsOf("prefix", many, { bucket })).toEqual(["192.0.2.0/24"]);
    const network = [1, 2, 3].map((last) => denied(`2001:db8::${last}`, 1));
    expect(subjectsOf("prefix", network, { bucket })).toEqual([]);
  });
});

test("a pair is banned by its address, a prefix with somebody on the allowlist in it is spared", () => {
  const pair = [denied("192.0.2.7", 0, { user: "e v=e" }), denied("192.0.2.7", 1, { user: "e v=e" })];
  expect(judgementsOf("address+user", pair)).toMatchObject([{ decision: { target: "192.0.2.7/32" } }]);
  const wide = [denied("192.0.2.7", 0), denied("192.0.2.8", 1)];
  const allowed = parseTarget("192.0.2.200") as Target;
  expect(judgementsOf("prefix", wide, [allowed])).toEqual([{ kind: "spared", why: "allowlisted" }]);
});

test("a rule on names alone must say that it bans nobody", () => {
  expect(() => spec("user", { ban: "4h" })).toThrow(/a user has no address/);
  expect(() => spec("vhost", { ban: "none" })).not.toThrow();
});

test("a rule cannot count by a name that its events do not have", () => {
  expect(() => compiled("address+vhost", { events: "error", match: { code: "AH01630" } })).toThrow(
    /events of kind error have no field 'vhost'/,
  );
});

test("a ban that a person lifts forgets an address with all its pairs, and neither names nor neighbours", () => {
  const kinds = ["address", "address+user", "user", "prefix"];
  const evaluator = new Evaluator(
    kinds.map((kind) => ({ ...compiled(kind), id: kind })),
    unlimited,
  );
  evaluator.evaluate([denied("192.0.2.7", 0, { user: "eve" })]);
  evaluator.forget(parseTarget("192.0.2.7") as Target);
  const again = evaluator.evaluate([denied("192.0.2.7", 1, { user: "eve" })]);
  expect(again.map((finding) => finding.rule)).toEqual(["user", "prefix"]);
});

test("long names of many users stay within bounds", () => {
  const evaluator = new Evaluator([compiled("user")]);
  const long = "x".repeat(300);
  const event = denied("192.0.2.7", 0, { line: "" });
  for (let n = 0; n < 420_000; n++) evaluator.evaluate([{ ...event, user: `${n} ${long}` }]);
  // A name is cut at 256; 96 MiB have room for 400,000.
  expect(evaluator.counting.subjects).toBeLessThan(400_000);
});
