import fc from "fast-check";
import { expect, test } from "vitest";
import { parseIp } from "../../src/model/ip.ts";
import { AccessLogParser } from "../../src/parse/access-log.ts";
import { createMixedParser, createParser } from "../../src/parse/formats.ts";
import { runs } from "../property.ts";
import { corpus, escapeLogItem, NOW, parse } from "./apache-lines.ts";

/** What attackers write: pieces that would be columns if anyone believed them. */
const fragment = fc.constantFrom(
  '"',
  '""',
  '" "',
  '\\"',
  "\\",
  " ",
  "  ",
  "-",
  "|",
  ":",
  "?",
  "[",
  "] ",
  "200",
  " 404 ",
  "9.9.9.9",
  "9.9.9.9 - - ",
  "::1",
  "[01/Jan/2020:00:00:00 +0000]",
  ' [01/Jan/2020:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
  "\n",
  "\t",
  "\x01",
  "\x7f",
  "é",
  "\xff",
  "a",
  "\\x41",
);
const hostile = fc.array(fragment, { maxLength: 6 }).map((parts) => parts.join(""));
const token = fc.stringMatching(/^[a-z0-9.-]{1,12}$/).filter((text) => text !== "-");
const count = fc.integer({ min: 0, max: 1e9 });
const absent = fc.constant<string | null>(null);
const clients = fc.oneof(
  fc.ipV4(),
  fc.ipV6().filter((text) => parseIp(text) === text),
);
const times = fc.integer({ min: 1_000_000_000, max: 4_000_000_000 });

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
function commonTime(seconds: number): string {
  const iso = new Date(seconds * 1_000).toISOString();
  const month = MONTHS[Number(iso.slice(5, 7)) - 1];
  return `[${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000]`;
}

/** One directive of a format, what Apache writes for it, and what the event must then say. */
interface Column {
  readonly directive: string;
  readonly written: string;
  readonly expected: Readonly<Record<string, unknown>>;
  /** A client or a script decides what it holds. */
  readonly loose: boolean;
}

const sent = (value: string | null) => (value === "-" ? null : value);
const header = (directive: string, field: string) =>
  fc.oneof({ weight: 1, arbitrary: absent }, { weight: 4, arbitrary: hostile }).map(
    (value): Column => ({
      directive,
      written: value === null ? "-" : escapeLogItem(value),
      expected: { [field]: sent(value) },
      loose: true,
    }),
  );
const plain = (directive: string, value: fc.Arbitrary<string | number>, field: string | null) =>
  value.map(
    (text): Column => ({
      directive,
      written: String(text),
      expected: field === null ? {} : { [field]: text },
      loose: false,
    }),
  );
const user = fc.oneof(absent, hostile).map(
  (value): Column => ({
    directive: "%u",
    written: value === null ? "-" : value === "" ? '""' : escapeLogItem(value),
    expected: { user: sent(value) },
    loose: true,
  }),
);
const request = fc
  .record({
    method: fc.constantFrom("GET", "POST", "PROPFIND"),
    path: hostile.map((text) => `/${text.replaceAll("?", "")}`),
    query: fc.option(hostile),
    protocol: fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2.0"),
  })
  .map((expected): Column => {
    const target = expected.path + (expected.query === null ? "" : `?${expected.query}`);
    const line = `${expected.method} ${target} ${expected.protocol}`;
    return { directive: "%r", written: escapeLogItem(line), expected, loose: true };
  });
const target = fc
  .record({ path: hostile.map((text) => `/${text.replaceAll("?", "")}`), query: fc.option(hostile) })
  .map(
    (expected): Column => ({
      directive: "%U%q",
      written: escapeLogItem(expected.path + (expected.query === null ? "" : `?${expected.query}`)),
      expected,
      loose: true,
    }),
  );

const client = clients.map(
  (address): Column => ({
    directive: "%a",
    written: address,
    expected: { client: parseIp(address) },
    loose: false,
  }),
);
const time = times.map(
  (seconds): Column => ({
    directive: "%t",
    written: commonTime(seconds),
    expected: { time: seconds * 1_000 },
    loose: false,
  }),
);
const status = plain("%>s", fc.integer({ min: 100, max: 599 }), "status");
const others = fc.tuple(
  fc.option(user),
  fc.option(fc.oneof(request, target)),
  fc.option(header("%{Referer}i", "referer")),
  fc.option(header("%{User-agent}i", "userAgent")),
  fc.option(header("%{ORIGIN}i", "origin")),
  fc.option(header("%{X-Forwarded-For}i", "dropped")),
  fc.option(header("%f", "dropped")),
  fc.option(plain("%l", fc.constant("-"), null)),
  fc.option(plain("%v", token, "vhost")),
  fc.option(plain("%D", count, "durationUs")),
  fc.option(plain("%B", count, "bytes")),
  fc.option(plain("%I", count, "bytesIn")),
  fc.option(plain("%p", count, null)),
);

interface Sample {
  readonly format: string;
  readonly line: string;
  readonly columns: readonly Column[];
  /** True when no two values that a client writes stand side by side without a quote or a tab between. */
  readonly isClear: boolean;
}

/** A format with its columns in any order, in quotes or bare, and one line of it. */
const sample: fc.Arbitrary<Sample> = fc
  .record({
    needed: fc.tuple(client, time, status),
    others,
    quoted: fc.infiniteStream(fc.boolean()),
    separator: fc.constantFrom(" ", " ", " | ", "\t"),
  })
  .chain(({ needed, others, quoted, separator }) => {
    const all = [...needed, ...others.filter((column) => column !== null)];
    return fc.shuffledSubarray(all, { minLength: all.length }).map((columns): Sample => {
      const quotes = columns.map(() => quoted.next().value === true);
      const join = (texts: readonly string[]) =>
        texts.map((text, index) => (quotes[index] ? `"${text}"` : text)).join(separator);
      return {
        format: join(columns.map(({ directive }) => directive)),
        line: join(columns.map(({ written }) => written)),
        columns,
        isClear:
          separator === "\t" || columns.filter(({ loose }, index) => loose && !quotes[index]).length <= 1,
      };
    });
  });

const RUNS = { numRuns: runs(1_000) };

test("hostile values come back as they were sent, in any format that keeps them apart", () => {
  fc.assert(
    fc.property(
      sample.filter(({ isClear }) => isClear),
      ({ format, line, columns }) => {
        const event = parse(new AccessLogParser(format, "UTC"), line);
        const { dropped: _, ...expected } = Object.assign({}, ...columns.map((column) => column.expected));
        expect({ format, line, event }).toMatchObject({ event: { kind: "access", ...expected } });
      },
    ),
    RUNS,
  );
});

test("where values cannot be kept apart, the client, the time and the status are right or the line is unparsed", () => {
  fc.assert(
    fc.property(sample, ({ format, line, columns }) => {
      const event = parse(new AccessLogParser(format, "UTC"), line);
      if (event.kind === "unparsed") {
        expect(event.reason).toBe("format");
        return;
      }
      const { client, time, status } = Object.assign({}, ...columns.map((column) => column.expected));
      expect({ format, line, event }).toMatchObject({ event: { kind: "access", client, time, status } });
    }),
    RUNS,
  );
});

test("a line that was cut gives its own client, time and status or none", () => {
  fc.assert(
    fc.property(sample, fc.nat(400), ({ format, line, columns }, length) => {
      const event = new AccessLogParser(format, "UTC").parse(line.slice(0, length), 7, NOW, true);
      if (event.kind === "unparsed") return;
      const { client, time, status } = Object.assign({}, ...columns.map((column) => column.expected));
      expect({ format, line, event }).toMatchObject({ event: { client, time, status } });
    }),
    RUNS,
  );
});

/**
 * The combined format said a second time, slowly, as a check on the readers: a quoted value holds no quote that is not
 * escaped, and the time is the last that fits.
 */
const VALUE = String.raw`"((?:[^"\\]|\\.)*)"`;
// The two columns behind the client may be empty: nothing is concluded from them.
const COMBINED = new RegExp(
  String.raw`^([0-9a-f.:]+) [^ ]* .* \[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\] ${VALUE} (\d{3}) (?:\d+|-) ${VALUE} ${VALUE}$`,
  "s",
);

test("mutated lines of a real log are read as a slow reading of the format says, or not at all", () => {
  const combined = createParser("access", "combined", "UTC");
  const lines = corpus("access.log").filter((line) => line.length < 600);
  const mutation = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    drop: fc.nat(3),
    insert: hostile,
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...lines),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      (line, mutations) => {
        const mutated = mutations.reduce((text, { at, drop, insert }) => {
          const place = Math.floor(at * text.length);
          return text.slice(0, place) + insert + text.slice(place + drop);
        }, line);
        const event = parse(combined, mutated);
        if (event.kind === "unparsed") return;
        const match = COMBINED.exec(mutated);
        expect({ mutated, match }).toMatchObject({ match: expect.anything() });
        const [, client, day, month, year, clock, zone, , code] = match!;
        const moment = Date.parse(`${day} ${month} ${year} ${clock} ${zone}`);
        expect({ mutated, event }).toMatchObject({
          event: { client: parseIp(client!), status: Number(code), time: moment },
        });
      },
    ),
    { numRuns: runs(10_000) },
  );
});

test("random bytes never throw in any parser", () => {
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 300,
  });
  const started = fc.tuple(
    fc.constantFrom("", "{", "[", '{"time":', "[Fri Nov 20 22:01:29.244023 2026] "),
    bytes,
    hostile,
  );
  const parsers = [
    ...["common", "combined", "vhost_combined", "sekisho", "json"].map((name) =>
      createParser("access", name, "UTC"),
    ),
    createParser("error", "auto", "Europe/Berlin"),
    createParser("error", "[%{cu}t] [%-m:%l] [client %a] %M% , %{Referer}i", null),
    createParser("audit", "", null),
    createMixedParser("auto", null),
  ];
  fc.assert(
    fc.property(started, fc.boolean(), ([start, garbage, more], cut) => {
      for (const parser of parsers) {
        const event = parser.parse(start + garbage + more, 7, NOW, cut);
        expect(Number.isFinite(event.time)).toBe(true);
      }
    }),
    RUNS,
  );
});
