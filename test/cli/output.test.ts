import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CliContext } from "../../src/cli/context.ts";
import { count, jsonText, painter, size, span } from "../../src/cli/output.ts";
import { wrapped } from "../../src/cli/prose.ts";
import { printable } from "../../src/model/safe-text.ts";

const terminal = (env: Record<string, string> = {}, isTTY = true) =>
  ({ isTTY, env }) as unknown as CliContext;

/** Any code units, lone surrogates too. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));

test("prose has 80 columns, and a longer word a line of its own", () => {
  const long = "x".repeat(90);
  expect(wrapped("Why: ", `${"four ".repeat(15)}${"five5 ".repeat(2)}${long} end`, 2)).toEqual([
    `Why: ${"four ".repeat(15)}`.trimEnd(),
    "  five5 five5",
    `  ${long}`,
    "  end",
  ]);
  expect(wrapped("  - ", "", 4)).toEqual(["  - "]);
});

describe("text from outside", () => {
  test.each([
    ["\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"],
    ["a\nb\tc\r", "a\\x0ab\\x09c\\x0d"],
    ["\u009b31m", "\\x9b31m"],
    ["evil\u202egnp.exe", "evil\\u202egnp.exe"],
    ["zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"],
    ["\ud800", "\\ud800"],
    ["plain text, /päth?q=関所 😀", "plain text, /päth?q=関所 😀"],
  ])("%j is printed as %s", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test("never sends a control character, whatever it was", () => {
    fc.assert(fc.property(anyText, (text) => !/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/.test(printable(text))));
  });

  test("as JSON is still the same JSON, and safe to look at", () => {
    fc.assert(
      fc.property(fc.record({ line: anyText }), (value) => {
        const text = jsonText(value);
        return (
          JSON.parse(text).line === value.line && !/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/.test(text)
        );
      }),
    );
  });
});

describe("colours", () => {
  test.each([
    ["a terminal", terminal(), true],
    ["a pipe", terminal({}, false), false],
    ["NO_COLOR", terminal({ NO_COLOR: "1" }), false],
    ["a dumb terminal", terminal({ TERM: "dumb" }), false],
  ])("on %s", (_name, context, coloured) => {
    expect(painter(context)("red", "x") !== "x").toBe(coloured);
  });
});

test.each([
  [0, "0s"],
  [999, "1s"],
  [59_000, "59s"],
  [61_000, "1m 1s"],
  [3_600_000, "1h"],
  [4 * 3_600_000 + 60_000, "4h 1m"],
  [86_400_000 + 59_000, "1d"],
  [-5, "0s"],
])("%d ms is %s", (milliseconds, text) => {
  expect(span(milliseconds)).toBe(text);
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [200 * 2 ** 20, "200 MiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

test("counts have their noun in the right number", () => {
  expect([count(0, "line"), count(1, "line"), count(1234, "line")]).toEqual([
    "0 lines",
    "1 line",
    "1,234 lines",
  ]);
});
