import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { mergeConfig } from "../../src/cli/init-merge.ts";
import { runs } from "../property.ts";

const MADE = `mode: observe
data: data
logs:
  # site.example: apache2.conf:3
  - path: /l/access.log
    format: combined
  # apache2.conf:4
  - path: /l/error.log
    kind: error
origins: # whose pages
  - https://a.example
trustedProxies: # in front
  - 10.0.0.0/8
`;
const merged = (before: string) => mergeConfig("/etc/sekisho/sekisho.yaml", before, MADE);
const made = parse(MADE);

test("lists in brackets, lists that are empty and lists that are not there are added to", () => {
  for (const lists of [
    "",
    "logs: []\norigins: []\ntrustedProxies: []\n",
    "logs: [{ path: /old.log }] # here\norigins: [ ]\n",
  ]) {
    const { text } = merged(`mode: enforce\n${lists}`);
    expect(parse(text)).toEqual({ ...made, mode: "enforce", data: undefined });
    expect(text).toContain("mode: enforce\n");
  }
});

test("an empty file, and one of comments only, gets the lists", () => {
  for (const before of ["", "# mine\n"]) {
    const { text } = merged(before);
    expect(parse(text)).toEqual({ ...made, mode: undefined, data: undefined });
    expect(text.startsWith(before)).toBe(true);
  }
});

test("a log with names of fields keeps its format, and one that lost its format follows Apache", () => {
  const { text, changes } = merged(
    "logs:\n  - { path: /l/access.log, format: json, fields: { client: ip } }\n  - { path: ../../l/error.log, kind: error, format: '%M' }\n",
  );
  expect(parse(text).logs).toEqual([
    { path: "/l/access.log", format: "json", fields: { client: "ip" } },
    { path: "../../l/error.log", kind: "error" },
  ]);
  expect(changes.filter(({ key }) => key === "logs").map(({ kind }) => kind)).toEqual(["kept", "changed"]);
});

test("a log that is named twice is read once", () => {
  const { text } = merged("logs:\n  - path: /l/access.log\n  - path: /l/access.log\n");
  expect(parse(text).logs).toEqual(made.logs);
});

test("nothing to change leaves every byte, whatever the layout", () => {
  const before = `origins:   ["https://a.example"]\n\n\n${MADE.replace(/origins.*?(?=trusted)/s, "")}`;
  const { text, changes } = merged(before);
  expect(text).toBe(before);
  expect(new Set(changes.map(({ kind }) => kind))).toEqual(new Set(["kept"]));
});

test("what is merged twice is merged once, and other keys are as before", () => {
  const log = fc.record(
    {
      path: fc.constantFrom("/l/access.log", "/l/error.log", "/x.log", "a: b #c.log"),
      kind: fc.constantFrom("access", "error", "audit"),
      timezone: fc.constant("Asia/Tokyo"),
    },
    { requiredKeys: ["path"] },
  );
  const config = fc.record(
    {
      mode: fc.constantFrom("observe", "enforce"),
      logs: fc.array(log, { maxLength: 5 }),
      origins: fc.subarray(["https://a.example", "https://b.example"]),
      allowlist: fc.subarray(["192.0.2.1", "2001:db8::/64"]),
      trustedProxies: fc.subarray(["10.0.0.0/8", "192.0.2.8/32"]),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(config, (before) => {
      const { text } = merged(JSON.stringify(before));
      const { logs, origins, trustedProxies, ...others } = parse(text);
      const { logs: old = [], origins: _o, trustedProxies: _t, ...kept } = before;
      expect(others).toEqual(kept);
      const audit = old.filter(({ kind }) => kind === "audit");
      expect(logs.filter(({ kind }: { kind?: string }) => kind === "audit")).toEqual(audit);
      expect(logs).toHaveLength(audit.length + 2);
      expect(origins).toContain("https://a.example");
      expect(trustedProxies).toContain("10.0.0.0/8");
      expect(merged(text).text).toBe(text);
    }),
    { numRuns: runs(200) },
  );
});
