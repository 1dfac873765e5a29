import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Protected } from "../../src/decide/protected.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { replay } from "../../src/replay/replay.ts";
import type { Verdict } from "../../src/replay/verdict.ts";
import { readRuleSet } from "../../src/setup.ts";
import { type Apache, SERVER_IPV4 } from "../apache.ts";
import { missing } from "../requirements.ts";
import { guardedApache } from "./guarded-apache.ts";

const ORIGIN = "https://site.example";
const HOUR = 3_600_000 as DurationMs;
/** A port that nobody listens on. */
const SITE = "ProxyPass /gone/ http://127.0.0.1:9/ upgrade=websocket\n";

/** Who does what, `times` times, and which rules must find him for it. */
const DEEDS: readonly {
  readonly from: string;
  readonly subject: string;
  readonly times: number;
  readonly origin: (n: number) => string;
  readonly path?: (n: number) => string;
  readonly rules: readonly string[];
}[] = [
  {
    from: "203.0.113.1",
    subject: "203.0.113.1",
    times: 5,
    origin: () => "null",
    rules: ["origin-null", "origin-foreign"],
  },
  {
    from: "2001:db8:5:2::1",
    subject: "2001:db8:5:2::/64",
    times: 3,
    origin: (n) =>
      ["https://site.example@evil.example", "https://site.example/", 'https://"site.example'][n]!,
    rules: ["origin-malformed", "origin-changes"],
  },
  {
    from: "203.0.113.3",
    subject: "203.0.113.3",
    times: 5,
    origin: () => "http://site.example",
    rules: ["origin-not-https"],
  },
  {
    from: "203.0.113.4",
    subject: "203.0.113.4",
    times: 15,
    origin: () => ORIGIN,
    path: (n) => `/socket${n}`,
    rules: ["handshake-paths"],
  },
  {
    from: "2001:db8:5:5::1",
    subject: "2001:db8:5:5::/64",
    times: 60,
    origin: () => ORIGIN,
    path: () => "/private/",
    rules: ["handshake-refused"],
  },
  {
    from: "203.0.113.6",
    subject: "vhost=site.example",
    times: 20,
    origin: () => ORIGIN,
    path: () => "/gone/",
    rules: ["backend-failing"],
  },
  {
    from: "203.0.113.6",
    subject: "code=AH01114",
    times: 0,
    origin: () => ORIGIN,
    rules: ["backend-unreachable"],
  },
  { from: "203.0.113.7", subject: "203.0.113.7", times: 9, origin: () => ORIGIN, rules: [] },
];

describe.skipIf(missing("root", "apache2", "netns"))("handshakes that a real Apache logged", () => {
  let apache: Apache;
  let found: Verdict;

  beforeAll(async () => {
    apache = await guardedApache(SITE);
    for (const { from, times, origin, path = () => "/ws/chat" } of DEEDS) {
      for (let n = 0; n < times; n++)
        await apache.request({ from, path: path(n), upgrade: true, headers: { Origin: origin(n) } });
    }
    // Apache writes a line when it is done with the request, which may be after its answer.
    const asked = DEEDS.reduce((sum, { times }) => sum + times, 0);
    const logged = () => readFileSync(apache.sekishoLog, "latin1").split("\n").length - 1;
    await vi.waitFor(() => expect(logged()).toBe(asked), { timeout: 60_000 });
    ({ verdict: found } = await replay({
      files: [apache.sekishoLog, apache.errorLog],
      rules: readRuleSet(join(import.meta.dirname, "../../rules"), null, [ORIGIN]).rules,
      origins: [ORIGIN],
      policy: { ban: HOUR, factor: 2, max: HOUR, memory: HOUR },
      protectedTargets: Protected.nobody,
      format: null,
      timezone: null,
      trustedProxies: [],
      onProgress: () => {},
    }));
  });
  afterAll(() => apache?.[Symbol.asyncDispose]());

  test.for(DEEDS)("$subject: $rules", ({ subject, rules }) => {
    const its = found.findings.filter((finding) => finding.subject === subject).map(({ rule }) => rule);
    expect(its).toEqual(rules.length === 0 ? [] : expect.arrayContaining([...rules]));
  });

  test("nobody is banned for what is a fault of the site", () => {
    const banned = found.decisions.map(({ target }) => target);
    for (const innocent of ["203.0.113.6/32", "203.0.113.7/32", `${SERVER_IPV4}/32`])
      expect(banned).not.toContain(innocent);
    expect(banned).toContain("203.0.113.1/32");
  });
});
