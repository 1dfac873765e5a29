import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { AUDIT_NAMES } from "../../src/model/event.ts";
import { unixMs } from "../../src/model/time.ts";
import { AuditLogParser } from "../../src/parse/audit.ts";
import { auditEventSchema } from "../../src/parse/audit-schema.ts";
import { runs } from "../property.ts";

const FILE = join(import.meta.dirname, "../../schemas/audit-event.v1.schema.json");
/** What is published, not what it was made from. */
const published = z.fromJSONSchema(JSON.parse(readFileSync(FILE, "utf8")));
const parser = new AuditLogParser();

const parses = (line: string): boolean =>
  parser.parse(Buffer.from(line, "utf8").toString("latin1"), 1, unixMs(0)).kind === "audit";
const agree = (line: string): void => {
  const value: unknown = JSON.parse(line);
  const accepted = parses(line);
  expect([published.safeParse(value).success, auditEventSchema.safeParse(value).success], line).toEqual([
    accepted,
    accepted,
  ]);
};

const FIELDS = { time: "2026-11-20T12:00:00Z", event: "ws.open", client: "192.0.2.7" };
const digits = (length: number) =>
  fc.integer({ min: 0, max: 10 ** length - 1 }).map((n) => String(n).padStart(length, "0"));
const near = (values: readonly string[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...values) }, fc.string());

/** Days that are there in some years and months only, and clocks at their ends. */
const time = fc
  .tuple(
    fc.oneof(digits(4), fc.constantFrom("1969", "1970", "1972", "2000", "2024", "2026", "2100", "2400")),
    fc.oneof(digits(2), fc.constantFrom("00", "02", "04", "12", "13")),
    fc.oneof(digits(2), fc.constantFrom("00", "01", "28", "29", "30", "31", "32")),
    fc.constantFrom("T", "t", " ", "_"),
    fc.oneof(digits(2), fc.constantFrom("00", "23", "24")),
    fc.oneof(digits(2), fc.constantFrom("00", "59", "60")),
    fc.oneof(digits(2), fc.constantFrom("00", "59", "60", "61")),
    fc.oneof(fc.constant(""), fc.stringMatching(/^\.\d{0,10}$/)),
    fc.oneof(fc.constantFrom("Z", "z", "", "+01:00", "-0530", "+99:99", "+1:00", " Z", "Z\n"), fc.string()),
  )
  .map(
    ([year, month, day, t, hour, minute, second, fraction, zone]) =>
      `${year}-${month}-${day}${t}${hour}:${minute}:${second}${fraction}${zone}`,
  );

const group = fc.oneof(fc.stringMatching(/^[0-9a-fA-F]{0,5}$/), fc.constantFrom("0", "ffff", "0000"));
const client = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.array(group, { minLength: 1, maxLength: 10 }).map((groups) => groups.join(":")),
  fc
    .tuple(fc.array(group, { maxLength: 8 }), fc.oneof(fc.ipV4(), fc.ipV4Extended()))
    .map(([groups, ip]) => `${groups.join(":")}:${ip}`),
  fc
    .tuple(fc.array(group, { maxLength: 7 }), fc.array(group, { maxLength: 7 }))
    .map(([a, b]) => `${a.join(":")}::${b.join(":")}`),
  fc
    .array(fc.oneof(digits(1), digits(3), fc.nat(300).map(String)), { minLength: 2, maxLength: 5 })
    .map((bytes) => bytes.join(".")),
  fc.string(),
);

const text = fc.oneof(
  fc.string(),
  fc.double(),
  fc.constant(null),
  fc.boolean(),
  fc.object(),
  fc.constant([]),
);
const fields = fc.record(
  {
    version: fc.oneof(fc.constantFrom<unknown>(1, 1, null, 0, 2, 1.5, "1", true), fc.integer()),
    time: fc.oneof({ weight: 3, arbitrary: fc.constant(FIELDS.time) }, time),
    event: fc.oneof(
      { weight: 3, arbitrary: near([...AUDIT_NAMES, "app.checkout", "app.", "app..x"]) },
      fc.stringMatching(/^app\.[A-Za-z0-9_.-]{0,62}$/),
      text,
    ),
    client: fc.oneof({ weight: 3, arbitrary: fc.constant(FIELDS.client) }, client),
    app: text,
    user: text,
    connection: text,
    origin: text,
    path: text,
    detail: fc.oneof(fc.object(), text, fc.array(fc.string())),
    more: fc.anything({ maxDepth: 1 }).map(() => 1),
  },
  { requiredKeys: [] },
);

describe("a line is taken by the parser exactly when the published schema takes it", () => {
  test("whatever its fields hold", () => {
    fc.assert(
      fc.property(fields, (some) => agree(JSON.stringify({ ...FIELDS, ...some }))),
      { numRuns: runs(5_000) },
    );
  });

  test("whatever is missing", () => {
    fc.assert(
      fc.property(fields, (some) => agree(JSON.stringify(some))),
      { numRuns: runs(1_000) },
    );
  });

  test("whatever time it bears", () => {
    fc.assert(
      fc.property(time, (each) => agree(JSON.stringify({ ...FIELDS, time: each }))),
      { numRuns: runs(10_000) },
    );
  });

  test("whatever address it names", () => {
    fc.assert(
      fc.property(client, (each) => agree(JSON.stringify({ ...FIELDS, client: each }))),
      { numRuns: runs(10_000) },
    );
  });

  test("on every day that there is and is not", () => {
    for (const year of [1970, 1972, 1999, 2000, 2024, 2026, 2100, 2400, 9999]) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const date = [year, month, day].map((part) => String(part).padStart(2, "0")).join("-");
          agree(JSON.stringify({ ...FIELDS, time: `${date}T12:00:00Z` }));
        }
      }
    }
  });

  test.each(["1e999", "-1e999", "0.1", "-0"])("with the number %s for a user", (number) => {
    agree(`{"time":"${FIELDS.time}","event":"ws.open","client":"192.0.2.7","user":${number}}`);
  });

  test("when it is no object at all", () => {
    for (const line of ["null", "[]", "1", '"x"', "{}"]) agree(line);
  });
});
