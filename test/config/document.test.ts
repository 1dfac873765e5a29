import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkYaml, invalid } from "../../src/config/document.ts";
import { configSchema } from "../../src/config/schema.ts";
import { ruleSchema } from "../../src/evaluate/rule-schema.ts";
import { SekishoError } from "../../src/model/errors.ts";

const problems = (text: string, schema: z.ZodType = configSchema): readonly string[] =>
  checkYaml("site.yaml", text, schema).problems;

describe("a value that does not fit", () => {
  test.each([
    ["mode: enforced", "site.yaml:1:7: mode: 'enforced' is not observe or enforce; did you mean enforce?"],
    ["data: 5", 'site.yaml:1:7: data: 5 is not text; write it in quotes: "5"'],
    ["allowlist: 10.0.0.1", "site.yaml:1:12: allowlist: '10.0.0.1' is not a list; write [10.0.0.1]"],
    [
      "allowlist:\n  - 192.0.2.1\n  - 10.0.0.0/33",
      "site.yaml:3:5: allowlist[1]: '10.0.0.0/33' is not an address or a CIDR range; write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64",
    ],
    [
      "enforcers:\n  apache-include:\n    schedule: 17 * * *",
      "site.yaml:3:15: enforcers.apache-include.schedule: '17 * * *' is not a cron expression; write five fields: minute hour day month weekday (\"17 * * * *\" is hourly at :17)",
    ],
    [
      "enforcers: { apache-include: { limit: 0 } }",
      "site.yaml:1:39: enforcers.apache-include.limit: 0 is not a whole number from 1 to 100000",
    ],
    [
      "logs: [{ path: /x, kind: error, timezone: Europe/Berlino }]",
      "site.yaml:1:43: logs[0].timezone: 'Europe/Berlino' is not a time zone; write an IANA name such as Europe/Berlin or UTC",
    ],
    [
      "origins: [app.example.com]",
      "site.yaml:1:11: origins[0]: 'app.example.com' is not a web origin; write scheme and host, with no path (https://app.example.com)",
    ],
    [
      "enforcers: apache-directory",
      /^site\.yaml:1:12: enforcers: 'apache-directory' is not a section with .*; write apache-directory: \{\}$/,
    ],
    [
      "enforcers: [apache-directory, nftables]",
      /^site\.yaml:1:12: enforcers: a list is not a section with .*; write \{ apache-directory: \{\}, nftables: \{\} \}$/,
    ],
    [
      "enforcers: { dry-run: true }",
      /^site\.yaml:1:23: enforcers\.dry-run: true is not an empty section; write \{\} for its defaults$/,
    ],
    [
      "enforcers: { nftables: true }",
      /^site\.yaml:1:24: enforcers\.nftables: true is not a section with .*; write \{\} for its defaults$/,
    ],
    [
      "data: ~/sekisho",
      /^site\.yaml:1:7: data: begins with ~, which only a shell knows; write the whole path$/,
    ],
    [
      "policy: { factor: '3' }",
      "site.yaml:1:19: policy.factor: '3' is not a number from 1 to 100; write it without quotes",
    ],
    ["enforcers: [apache]", /^site\.yaml:1:12: enforcers: a list is not a section with the keys [^;]*$/],
    [
      "mode observe",
      /^site\.yaml:1:1: 'mode observe' is not a section with .*; write mode: observe, with a colon$/,
    ],
    [
      "mode=observe",
      /^site\.yaml:1:1: 'mode=observe' is not a section with .*; write mode: observe, with a colon$/,
    ],
    ["something", /^site\.yaml:1:1: 'something' is not a section with the keys [^;]*$/],
    [
      "enforcers: constructor",
      /^site\.yaml:1:12: enforcers: 'constructor' is not a section with the keys [^;]*$/,
    ],
    ["logs: /a.log", "site.yaml:1:7: logs: '/a.log' is not a list; write [{ path: /a.log }]"],
    [
      "logs:\n  - /a.log",
      /^site\.yaml:2:5: logs\[0\]: '\/a\.log' is not a section with .*; write \{ path: \/a\.log \}$/,
    ],
    [
      "dashboard: { listen: 7080 }",
      "site.yaml:1:22: dashboard.listen: 7080 is not an address to listen on; write 127.0.0.1:7080 or [::1]:7080",
    ],
    [
      "dashboard: { listen: '127.0.0.300:80' }",
      "site.yaml:1:22: dashboard.listen: '127.0.0.300:80' is not an address to listen on; write 127.0.0.1:7080 or [::1]:7080",
    ],
    [
      "dashboard: { hosts: ['https://sekisho.example'] }",
      "site.yaml:1:22: dashboard.hosts[0]: 'https://sekisho.example' is not a host name; write a name without scheme or path, with a port or for any (sekisho.example.com)",
    ],
    [
      "policy: { ban: 4 hours }",
      "site.yaml:1:16: policy.ban: '4 hours' is not a length of time; write a number and s, m, h, d or w (90s, 4h, 2w), or permanent",
    ],
    [
      "policy: { ban: 4 }",
      "site.yaml:1:16: policy.ban: 4 is not a length of time; write a number and s, m, h, d or w (90s, 4h, 2w), or permanent",
    ],
    [
      "store: { unparsed: 64MB }",
      "site.yaml:1:20: store.unparsed: '64MB' is not a size; write a number and B, KiB, MiB or GiB (64MiB)",
    ],
    [
      "enforcers: { apache-directory: { directory: /run/a b } }",
      "site.yaml:1:45: enforcers.apache-directory.directory: '/run/a b' is not a path for Apache's configuration; write an absolute path of letters, digits and . _ - +",
    ],
    [
      "logs: [{ kind: audit, socket: /run/x.sock, mode: '0666' }]",
      'site.yaml:1:50: logs[0].mode: \'0666\' is not a mode that keeps others out; write three octal digits in quotes, the last one without write permission ("0660" or "0600")',
    ],
    [
      "logs: [{ kind: audit, path: /x, mayBan: [ws.rate] }]",
      "site.yaml:1:42: logs[0].mayBan[0]: 'ws.rate' is not the name of an audit event; write one of docs/audit-events.md, an app.NAME of your own, or app.* for all of them",
    ],
    [
      "enforcers:\n  dry-run:",
      "site.yaml:2:3: enforcers.dry-run: has no value; write {} for its defaults, or remove the key",
    ],
    [
      "allowlist:\n  # - 192.0.2.1\n",
      "site.yaml:1:1: allowlist: has no value; write [] for none, or remove the key",
    ],
  ])("%s", (text, line) => {
    expect(problems(text)).toEqual([typeof line === "string" ? line : expect.stringMatching(line)]);
  });

  test("a missing bucket says which kinds there are", () => {
    expect(problems("title: { en: x }", ruleSchema)).toContain(
      "site.yaml:1:1: bucket: is missing; it takes a section with kind: threshold, distinct, trigger, leaky, ratio, sequence, score or surge",
    );
  });

  test("host names may have a port", () => {
    const hosts = "dashboard: { hosts: [Sekisho.example, 'sekisho.example:8443', '[2001:db8::1]'] }";
    expect(checkYaml("f", hosts, configSchema).value!.dashboard.hosts).toEqual([
      "sekisho.example",
      "sekisho.example:8443",
      "[2001:db8::1]",
    ]);
  });

  test("what must not be empty says so", () => {
    expect(problems("data: ''")).toEqual(["site.yaml:1:7: data: must not be empty"]);
  });

  test("a document that is no section says what belongs in one", () => {
    expect(problems("- mode")[0]).toMatch(
      /^site\.yaml:1:1: a list is not a section with the keys mode, data, logs/,
    );
  });

  test("a long value is shortened", () => {
    expect(problems(`mode: ${"x".repeat(5_000)}`)[0]!.length).toBeLessThan(200);
  });
});

describe("an unknown key", () => {
  test.each([
    ["allow_list: []", "site.yaml:1:1: allow_list: unknown key; did you mean allowlist?"],
    ["policy:\n  bann: 4h", "site.yaml:2:3: policy.bann: unknown key; did you mean ban?"],
    [
      "enforcers: { apache-directroy: {} }",
      "site.yaml:1:14: enforcers.apache-directroy: unknown key; did you mean apache-directory?",
    ],
    [
      "logs: [{ path: /x, typ: error }]",
      "site.yaml:1:20: logs[0].typ: unknown key; known here are path, kind, format, timezone, fields, rotatedTo, socket, group, mode, mayBan, maxBanShare, bansAlways",
    ],
    [
      "enforcers: { dry-run: { fast: true } }",
      "site.yaml:1:25: enforcers.dry-run.fast: unknown key; remove it",
    ],
  ])("%s", (text, line) => {
    expect(problems(text)).toEqual([line]);
  });

  test("__proto__ is an unknown key like any other", () => {
    expect(problems("__proto__: { mode: enforce }")[0]).toContain("__proto__: unknown key");
    expect(checkYaml("f", "{}", configSchema).value!.mode).toBe("observe");
  });
});

describe("text that is not YAML", () => {
  test.each([
    ["logs:\n\t- path: x", "site.yaml:2:1: a tab is used for indentation; indent with spaces"],
    ["mode: observe\nmode: enforce", "site.yaml:2:1: the key mode is there twice; keep one of them"],
    [
      "logs:\n - path: *access.log",
      "site.yaml:2:10: *access.log: a value that begins with * must stand in quotes",
    ],
    [
      "logs:\n - path: x\n   format: %h %l",
      "site.yaml:3:12: a value that begins with % must stand in quotes",
    ],
    ["data: a: b", "site.yaml:1:7: a value that contains ': ' must stand in quotes"],
    ["mode: observe\n  data: x", "site.yaml:1:7: the line below is indented deeper than its key; align it"],
    [
      "allowlist: [192.0.2.1\nmode: observe",
      "site.yaml:2:1: a ] is missing, or lines inside the brackets are not indented",
    ],
    ["data: 'x\nmode: observe", "site.yaml:2:14: the closing ' is missing"],
    [
      "mode: observe\n---\nmode: enforce",
      "site.yaml:2:1: a second document begins here; remove the line ---",
    ],
  ])("%j", (text, line) => {
    expect(problems(text)).toEqual([line]);
  });

  test("a custom tag is refused", () => {
    expect(problems("data: !!js/function 'x'")[0]).toMatch(/^site\.yaml:1:7: Unresolved tag.*without a !tag/);
  });

  test("an alias bomb is refused before it is expanded", () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 9; level++) {
      const before = String.fromCharCode(96 + level);
      const name = String.fromCharCode(97 + level);
      bomb.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(", ")}]`);
    }
    expect(problems(bomb.join("\n"))).toEqual([
      "site.yaml:1:1: nested too deeply, or too many aliases; write the values out",
    ]);
  });

  test.each(["[", "{a: ", "- "])("ten thousand times '%s' is a problem, not a crash", (opening) => {
    expect(problems(opening.repeat(10_000)).length).toBeGreaterThan(0);
  });

  test("an alias that stands for an allowed value is fine, and a wrong value behind it is found", () => {
    const text = (target: string) => `allowlist: &own [${target}]\ntrustedProxies: *own`;
    expect(checkYaml("f", text("192.0.2.1"), configSchema).value!.trustedProxies).toEqual(["192.0.2.1/32"]);
    expect(problems(text("192.0.2.999"))).toHaveLength(2);
  });
});

describe("a document", () => {
  test("that is empty or only comments is all defaults", () => {
    const defaults = configSchema.parse({});
    for (const text of ["", "\n", "# nothing yet\n"])
      expect(checkYaml("f", text, configSchema).value).toEqual(defaults);
  });

  test("with several problems reports them all, in the order of the lines", () => {
    const lines = problems("mode: x\nfoo: 1\npolicy:\n  factor: 0\n  max: 1y\nallowlist: [a, b]");
    expect(lines.map((line) => line.split(":").slice(1, 3).join(":"))).toEqual([
      "1:7",
      "2:1",
      "4:11",
      "5:8",
      "6:13",
      "6:16",
    ]);
  });

  test("makes one error with a line for each problem", () => {
    const error = invalid("CONFIG_INVALID", problems("mode: x\nfoo: 1"));
    expect(error).toBeInstanceOf(SekishoError);
    expect(error).toMatchObject({
      code: "CONFIG_INVALID",
      exitStatus: 2,
      hint: expect.stringContaining("docs/configuration.md"),
    });
    expect(error.message.split("\n")).toHaveLength(2);
  });

  test("with hundreds of problems shows twenty and counts the others", () => {
    const text = Array.from({ length: 300 }, (_, index) => `key${index}: 1`).join("\n");
    expect(invalid("CONFIG_INVALID", problems(text)).message).toMatch(/and 280 more$/);
  });
});

describe("a rule", () => {
  const head = "title: { en: a, ja: b }\ndetects: x\nwhy: y\nseverity: high\nevents: access\n";
  const rule = (rest: string) => problems(head + rest, ruleSchema);
  const bucket = "bucket: { kind: threshold, count: 5, window: 1m }\n";

  test("with a wrong key deep in its matcher names the nearest known one", () => {
    expect(rule(`${bucket}match:\n  any:\n    - not: { statuss: 403 }\n    - path: { prefx: /a }\n`)).toEqual(
      [
        "site.yaml:9:14: match.any[0].not.statuss: unknown key; did you mean status?",
        "site.yaml:10:15: match.any[1].path.prefx: unknown key; did you mean prefix?",
      ],
    );
  });

  test("with a bucket of an unknown kind is told the kinds", () => {
    expect(rule("match: {}\nbucket: { kind: treshold, count: 5 }")).toEqual([
      "site.yaml:7:17: bucket.kind: 'treshold' is not threshold, distinct, trigger, leaky, ratio, sequence, score or surge; did you mean threshold?",
    ]);
  });

  test("with a key of another kind of bucket is told the keys of its own", () => {
    expect(rule("match: {}\nbucket: { kind: threshold, of: path, count: 5, window: 1m }")).toEqual([
      "site.yaml:7:28: bucket.of: unknown key; known here are kind, count, same, window",
    ]);
  });

  test("with a ban that is none of the allowed things is told all of them", () => {
    expect(rule(`match: {}\n${bucket}ban: 4 hours`)).toEqual([
      "site.yaml:8:6: ban: '4 hours' is not default or none or a length of time; write a number and s, m, h, d or w (90s, 4h, 2w), or permanent",
    ]);
  });
});

test("every schema gets its own words", () => {
  const schema = z.strictObject({
    size: z.number().min(2),
    on: z.boolean(),
    names: z.record(z.string(), z.string()),
  });
  expect(problems("size: 1\non: 1\nnames: { a: 3 }", schema)).toEqual([
    "site.yaml:1:7: size: 1 is not a number from 2",
    "site.yaml:2:5: on: 1 is not true or false",
    'site.yaml:3:13: names.a: 3 is not text; write it in quotes: "3"',
  ]);
});
