import { describe, expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { unlimited } from "../../src/model/audit.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { parseTarget, type Target } from "../../src/model/ip.ts";
import { access, at } from "./events.ts";
import { ruleOf } from "./rules.ts";

const rule = (id: string, spec: object, origins: readonly string[] = []) =>
  ruleOf(id, { cooldown: "30s", ...spec }, origins);
const denied = (client: string, seconds: number) => access(client, seconds, { status: 403 });

describe("threshold", () => {
  test("fires with the hit that fills the window, with first, last, count and lines", () => {
    const evaluator = new Evaluator([rule("r", {})]);
    const [finding, ...more] = evaluator.evaluate([0, 20, 40].map((seconds) => denied("192.0.2.7", seconds)));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      rule: "r",
      subject: "192.0.2.7",
      count: 3,
      firstSeen: at(0),
      lastSeen: at(40),
    });
    expect(finding!.evidence).toEqual(["192.0.2.7 at 0", "192.0.2.7 at 20", "192.0.2.7 at 40"]);
  });

  test("does not fire when the hits are a window apart", () => {
    const evaluator = new Evaluator([rule("r", {})]);
    expect(evaluator.evaluate([0, 30, 60, 90, 120].map((seconds) => denied("192.0.2.7", seconds)))).toEqual(
      [],
    );
  });

  test("counts lines that come a little out of order where their time puts them", () => {
    const evaluator = new Evaluator([rule("r", {})]);
    const findings = evaluator.evaluate([50, 10, 30].map((seconds) => denied("192.0.2.7", seconds)));
    expect(findings).toMatchObject([{ firstSeen: at(10), lastSeen: at(50) }]);
  });

  test("does not count a line that is older than the window before the newest", () => {
    const evaluator = new Evaluator([rule("r", {})]);
    expect(evaluator.evaluate([100, 110, 20].map((seconds) => denied("192.0.2.7", seconds)))).toEqual([]);
  });

  test("a clock that jumps back an hour makes no finding of calm traffic", () => {
    const evaluator = new Evaluator([rule("r", {})]);
    const seconds = [3_600, 3_700, 0, 100, 200, 300];
    expect(evaluator.evaluate(seconds.map((each) => denied("192.0.2.7", each)))).toEqual([]);
  });

  test("is quiet during its cooldown and fires again after it", () => {
    const evaluator = new Evaluator([rule("r", {})]);
    const findings = evaluator.evaluate(
      Array.from({ length: 40 }, (_, seconds) => denied("192.0.2.7", seconds)),
    );
    expect(findings.map(({ lastSeen }) => lastSeen)).toEqual([at(2), at(32)]);
  });
});

describe("distinct", () => {
  const paths = rule("paths", { bucket: { kind: "distinct", of: "path", count: 3, window: "1m" } });
  const asked = (path: string, seconds: number) => access("192.0.2.7", seconds, { status: 403, path });

  test("counts different values only", () => {
    const evaluator = new Evaluator([paths]);
    expect(evaluator.evaluate(Array.from({ length: 50 }, (_, n) => asked("/same", n)))).toEqual([]);
    const [finding] = evaluator.evaluate([asked("/a", 51), asked("/b", 52)]);
    expect(finding).toMatchObject({ count: 3, lastSeen: at(52) });
  });

  test("forgets values that were not seen within the window", () => {
    const evaluator = new Evaluator([paths]);
    expect(evaluator.evaluate([asked("/a", 0), asked("/b", 30), asked("/c", 61)])).toEqual([]);
  });
});

describe("subjects", () => {
  test("neighbours are counted apart, and addresses of one IPv6 /64 together", () => {
    const evaluator = new Evaluator([rule("r", {})]);
    const clients = ["2001:db8:0:1::1", "192.0.2.1", "2001:db8:0:1:ffff::2", "192.0.2.2", "2001:db8:0:1::3"];
    const findings = evaluator.evaluate(clients.map((client, seconds) => denied(client, seconds)));
    expect(findings.map(({ subject }) => subject)).toEqual(["2001:db8:0:1::/64"]);
  });

  test("a flood of other addresses forgets the calm ones first and keeps memory bounded", () => {
    const evaluator = new Evaluator([rule("r", {})], unlimited, 1_000);
    const flood = Array.from({ length: 20_000 }, (_, n) =>
      denied(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, n / 1_000),
    );
    const busy = [
      denied("192.0.2.7", 20),
      denied("192.0.2.7", 20),
      ...flood.slice(0, 300),
      denied("192.0.2.7", 21),
    ];
    evaluator.evaluate(flood);
    expect(evaluator.counting.subjects).toBeLessThanOrEqual(1_001);
    expect(evaluator.evaluate(busy)).toHaveLength(1);
  });
});

describe("what never counts", () => {
  test("a request that an active ban refused", () => {
    const evaluator = new Evaluator([rule("r", {})]);
    const refused = [0, 1, 2, 3].map((seconds) =>
      access("192.0.2.7", seconds, { status: 403, refused: true }),
    );
    expect(evaluator.evaluate(refused)).toEqual([]);
  });

  test("a missing header on a format that cannot show it", () => {
    const evaluator = new Evaluator([
      rule("r", {
        match: { origin: { missing: true } },
        bucket: { kind: "threshold", count: 1, window: "1m" },
      }),
    ]);
    expect(evaluator.evaluate([access("192.0.2.7", 0, { origin: undefined })])).toEqual([]);
    expect(evaluator.evaluate([access("192.0.2.7", 1, { origin: null })])).toHaveLength(1);
  });

  test("the contrary of a condition on a field that the format cannot show", () => {
    const evaluator = new Evaluator([
      rule("r", {
        match: { not: { origin: "https://a.example" } },
        bucket: { kind: "threshold", count: 1, window: "1m" },
      }),
    ]);
    expect(evaluator.evaluate([access("192.0.2.7", 0, { origin: undefined })])).toEqual([]);
    expect(evaluator.evaluate([access("192.0.2.7", 1, { origin: "https://b.example" })])).toHaveLength(1);
  });
});

describe("foreign Origin", () => {
  const foreign = (origins: string[]) =>
    new Evaluator([
      rule(
        "r",
        { match: { foreignOrigin: true }, bucket: { kind: "threshold", count: 1, window: "1m" } },
        origins,
      ),
    ]);
  const hits = (evaluator: Evaluator, fields: object) =>
    evaluator.matching(access("192.0.2.7", 0, fields)).length;

  test("is one that the configuration does not name", () => {
    const evaluator = foreign(["https://app.example"]);
    expect(hits(evaluator, { origin: "https://app.example" })).toBe(0);
    expect(hits(evaluator, { origin: "HTTPS://APP.EXAMPLE" })).toBe(0);
    for (const origin of [
      "https://evil.example",
      "http://app.example",
      "null",
      "https://app.example.evil.example",
    ]) {
      expect(hits(evaluator, { origin }), origin).toBe(1);
    }
  });

  test("is one of another host where the configuration names none", () => {
    const evaluator = foreign([]);
    expect(hits(evaluator, { origin: "https://app.example", host: "app.example:8443" })).toBe(0);
    expect(hits(evaluator, { origin: "https://evil.example", host: "app.example" })).toBe(1);
  });

  test("is not concluded where the line does not tell the site's own name", () => {
    expect(hits(foreign([]), { origin: "https://evil.example" })).toBe(0);
  });
});

test("what a person forgave does not bring the ban back with the next line", () => {
  const evaluator = new Evaluator([rule("r", {})]);
  evaluator.evaluate([denied("192.0.2.7", 0), denied("192.0.2.7", 1)]);
  evaluator.forget(parseTarget("192.0.2.0/24") as Target);
  expect(evaluator.evaluate([denied("192.0.2.7", 2)])).toEqual([]);
});

test("what a person forgave a whole range stays forgiven after a restart", () => {
  const restarted = new Evaluator([rule("r", {})]);
  const events = [denied("192.0.2.7", 0), denied("192.0.2.7", 1), denied("192.0.2.7", 2)];
  const forgiven = [{ target: parseTarget("192.0.2.0/24") as Target, throughEvent: 2 }];
  restarted.restore([{ firstEvent: 1, events }], [], forgiven);
  expect(restarted.evaluate([denied("192.0.2.7", 3)])).toEqual([]);
  expect(restarted.evaluate([denied("192.0.2.7", 4)])).toHaveLength(1);
});

test("a rule that asks for a field its events do not have is refused with the fields that they have", () => {
  const compile = () => rule("r", { events: "audit", match: { status: 403 } });
  expect(compile).toThrowError(SekishoError);
  expect(compile).toThrowError(/rule r: events of kind audit have no field 'status'/);
});

test("evidence of many clients with long lines stays within its bounds, and hits count without it", () => {
  const evaluator = new Evaluator([rule("r", { bucket: { kind: "threshold", count: 5, window: "1h" } })]);
  const long = "x".repeat(8_000);
  const clients = Array.from({ length: 20_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
  const heap = () => process.memoryUsage().heapUsed / 2 ** 20;
  const before = heap();
  for (let round = 0; round < 4; round++) {
    for (const client of clients)
      evaluator.evaluate([access(client, round, { status: 403, line: `${client} ${long}` })]);
  }
  // Four lines of 4 KiB of each would be more than 300 MiB.
  expect(heap() - before).toBeLessThan(200);
  expect(evaluator.counting.subjects).toBe(clients.length);
  const last = access("10.0.78.31", 10, { status: 403, line: "the fifth" });
  expect(evaluator.evaluate([last])).toMatchObject([{ count: 5, evidence: ["the fifth"] }]);
});

test("an attack that has begun is not forgotten for the many who ask for a page meanwhile", () => {
  const attack = rule("attack", {
    severity: "high",
    match: { path: "/attack" },
    bucket: { kind: "threshold", count: 2, window: "1h" },
  });
  const pages = rule("pages", { match: {}, bucket: { kind: "threshold", count: 100, window: "1h" } });
  const evaluator = new Evaluator([attack, pages], undefined, 500);
  const attacked = (seconds: number) =>
    evaluator.evaluate([access("192.0.2.7", seconds, { path: "/attack" })]);
  expect(attacked(0)).toEqual([]);
  for (let n = 0; n < 5_000; n++) evaluator.evaluate([access(`10.0.${n >> 8}.${n & 255}`, 1 + n / 100)]);
  const { subjects, givenUp } = evaluator.counting;
  expect(givenUp).toBe(5_001 - subjects);
  expect(subjects).toBeLessThanOrEqual(500);
  expect(attacked(100)).toMatchObject([{ rule: "attack", count: 2 }]);
});
