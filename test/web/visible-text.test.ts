import { expect, test } from "vitest";
import { visiblePieces } from "../../web/visible-text.ts";

const shown = (text: string): string =>
  visiblePieces(text)
    .map(({ text, codePoint }) => (codePoint === null ? text : `[${text}]`))
    .join("");

test("ordinary text of any script stays as it is, in one piece", () => {
  for (const text of ['GET /a?b=<c> "d"', "Grüße, 関所, Ελλάδα, é"]) {
    expect(visiblePieces(text)).toEqual([{ text, codePoint: null }]);
  }
});

test("no text makes no pieces", () => {
  expect(visiblePieces("")).toEqual([]);
});

test("control characters are shown as the byte that they are", () => {
  expect(shown("a\x00b\x1b[2J\r\n\t\x7f\x9b")).toBe("a[\\x00]b[\\x1b][2J[\\x0d][\\x0a][\\x09][\\x7f][\\x9b]");
});

test("marks that reorder what stands around them are shown and do nothing", () => {
  expect(shown("x\u202egpj.exe\u2066\u200f\u061c")).toBe(
    "x[\\u{202e}]gpj.exe[\\u{2066}][\\u{200f}][\\u{61c}]",
  );
});

test("characters without width or ink are shown", () => {
  expect(shown("a\u200bb\ufeffc\u00add\u3164e\u{e0041}")).toBe(
    "a[\\u{200b}]b[\\u{feff}]c[\\xad]d[\\u{3164}]e[\\u{e0041}]",
  );
});

test("spaces that only look like a space are shown", () => {
  expect(shown("a b\u00a0c\u3000")).toBe("a b[\\xa0]c[\\u{3000}]");
});

test("a surrogate on its own is shown, a pair is its character", () => {
  expect(shown("\ud800x😀")).toBe("[\\u{d800}]x😀");
});

test("a pile of combining marks is cut down to two", () => {
  expect(shown(`e${"\u0301".repeat(4)}`)).toBe("e\u0301\u0301[\\u{301}][\\u{301}]");
});

test("every hidden character names its code point", () => {
  expect(visiblePieces("\u202e")).toEqual([{ text: "\\u{202e}", codePoint: "U+202E" }]);
});
