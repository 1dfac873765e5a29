import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeQuery, decodeText, decodeUrl, MAX_LAYERS } from "../../src/evaluate/decode.ts";

describe("what a text may be taken for", () => {
  test.each([
    ["/a/b.html", "/a/b.html"],
    ["/%2e%2E/", "/../"],
    ["/%252e%25252e/", "/../"],
    ["/%%32%65%%32e/", "/../"],
    ["/%c0%ae%c0%af", "/./"],
    ["/%e0%80%ae%f0%80%80%af", "/./"],
    ["/\xc0\xae", "/."],
    ["/%u002e%uff0e%u002f", "/../"],
    ["/..\\..%5c", "/../../"],
    ["/a%00b", "/a\0b"],
    ["/%e6%97%a5%u65e5", "/\xe6\x97\xa5\xe6\x97\xa5"],
    ["/\\u0027\\x3c%5cu20ac", "/'<\xe2\x82\xac"],
    ["/%ef%bc%9cs%ef%bd%83%ef%bc%9e", "/<sc>"],
    ["/\xef\xbc\x8e\xef\xbc\x8f\xef\xbd\x9e\xef\xbd\x9f", "/./~\xef\xbd\x9f"],
    ["/%ef%bc%852e%uff0532%uff06", "/.2&"],
    ["/%zz%4", "/%zz%4"],
    ["/a+b", "/a+b"],
  ])("of %s is %j", (sent, meant) => {
    expect(decodeText(sent)).toBe(meant);
  });

  test("in a query a plus is a space, in a path it is a plus", () => {
    expect(decodeQuery("q=a+b%2bc")).toBe("q=a b c");
    expect(decodeUrl("https://a.example/c++?q=a+b")).toBe("https://a.example/c++?q=a b");
  });

  test("is the same however many times it was encoded, up to the limit, and whichever characters were", () => {
    const encoded = (text: string, which: readonly boolean[]): string =>
      [...text]
        .map((character, index) =>
          which[index % which.length] || character === "%" ? percent(character) : character,
        )
        .join("");
    const ascii = fc
      .string({ unit: "grapheme-ascii", maxLength: 40 })
      .filter((text) => !/%|\\[ux]/i.test(text));
    const layers = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), {
      maxLength: MAX_LAYERS,
    });
    fc.assert(
      fc.property(ascii, layers, (text, chosen) => {
        expect(decodeText(chosen.reduce(encoded, text))).toBe(text.replaceAll("\\", "/"));
      }),
    );
  });

  test("never grows, whatever the bytes", () => {
    const hostile = fc.array(
      fc.constantFrom("%", "u", "2", "5", "c0", "e0", "\xc0", "\x80", "\xae", "+", "\\"),
    );
    fc.assert(
      fc.property(hostile, (parts) => {
        const text = parts.join("");
        expect(decodeText(text).length).toBeLessThanOrEqual(text.length);
      }),
    );
  });
});

const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
