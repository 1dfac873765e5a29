import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import wabt from "wabt";
import { LineScan } from "../../src/evaluate/line-scan.ts";
import { LINE_SCAN } from "../../src/evaluate/line-scan-program.ts";
import { TextViews } from "../../src/evaluate/text-views.ts";
import { runs } from "../property.ts";
import { access } from "./events.ts";

const FOLDER = join(import.meta.dirname, "../../src/evaluate");
const CLIENT = "192.0.2.7";

const lookAt = (scan: LineScan, ...lines: string[]): number[] => {
  const events = lines.map((line) => access(CLIENT, 0, { line }));
  return [...scan.look(events).subarray(0, lines.length)].map((mask) => (mask === 0 ? 0 : 1));
};

test("the program is what its source says", async () => {
  const { parseWat } = await wabt();
  const source = readFileSync(join(FOLDER, "line-scan.wat"), "utf8");
  using module = disposable(parseWat("line-scan.wat", source));
  const made = Buffer.from(module.toBinary({}).buffer).toString("base64");
  const program = join(FOLDER, "line-scan-program.ts");
  const text = readFileSync(program, "utf8").replace(/"[^"]*"/, `"${made}"`);
  if (process.env.SEKISHO_UPDATE_WASM === "1") writeFileSync(program, text);
  else expect(LINE_SCAN).toBe(made);
});

const disposable = <T extends { destroy(): void }>(module: T): T & Disposable =>
  Object.assign(module, { [Symbol.dispose]: () => module.destroy() });

describe("a line scan", () => {
  const scan = LineScan.of([["/wp-login.php", "union select", "?cmd=", "()"]])!;

  test("tells lines with a literal from those without, whatever their case and neighbours", () => {
    const bare = `192.0.2.7 - - [20/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"`;
    expect(lookAt(scan, bare, "GET /WP-Login.php", bare, "a=Union+Select", "", "x()y", bare)).toEqual([
      0, 1, 0, 1, 0, 1, 0,
    ]);
  });

  test("takes a line for suspicious in which a value may be written otherwise", () => {
    expect(lookAt(scan, "a%41", String.raw`a\x41`, "a\xe9", "a~}z")).toEqual([1, 1, 1, 0]);
  });

  test("does not take the quotes of a format for those of a value, which are written otherwise", () => {
    const quotes = LineScan.of([['"', 'x" - "y', "never"]])!;
    expect(lookAt(quotes, 'GET "-" x" - "y', String.raw`GET /\"`, "GET /%22")).toEqual([0, 1, 1]);
  });

  test("finds a literal that path and query make together where the line has them apart", () => {
    expect(lookAt(scan, '"path":"/x","query":"cmd=id"')).toEqual([1]);
  });

  test("takes no ordinary characters for each other, however many different ones are looked for", () => {
    const printable = Array.from({ length: 0x7f - 0x21 }, (_, index) => String.fromCharCode(0x21 + index))
      .filter((each) => !/["%=?\\]/.test(each))
      .join("");
    const many = LineScan.of([[printable, '" or', "=https://"]])!;
    expect(lookAt(many, '"GET / HTTP/1.1" 200 5 "https://www.example.com/"', "a=https://x", "= or")).toEqual([
      0, 1, 0,
    ]);
  });

  test("cannot tell where a literal leaves nothing that must stand in the line", () => {
    expect(LineScan.of([["?"]])).toBeNull();
    expect(LineScan.of([["?a"]])).not.toBeNull();
  });

  test("finds what lies across the places that are looked at together, in batches of any size", () => {
    for (let length = 13; length < 300; length += 7) {
      for (let at = 0; at + 13 <= length; at += 3)
        expect(lookAt(scan, `${"x".repeat(at)}/wp-login.php`.padEnd(length, "y"))).toEqual([1]);
    }
  });

  test("looks at lines that need more room than there is one part after the other, and longer ones not at all", () => {
    const long = "x".repeat(100_000);
    const lines = [long, `${long}()`, long, "", long, "()", "x".repeat(300_000), long];
    expect(lookAt(scan, ...lines)).toEqual([0, 1, 0, 0, 0, 1, 1, 0]);
    expect(lookAt(scan, long, "()")).toEqual([0, 1]);
  });

  test("looks at access events only", () => {
    const opening = { ...access(CLIENT, 0, { line: "()" }), kind: "opening" as const };
    expect([...scan.look([opening as never, access(CLIENT, 0, { line: "()" })])].slice(0, 2)).toEqual([0, 1]);
  });

  test("tells of which group the literal is, and of all where a value may be written otherwise", () => {
    const two = LineScan.of([["nikto", "/x/"], ["/x/y"], ["never"]])!;
    const lines = ["nikto", "/x/yz", "/x/", "a%41", "none"].map((line) => access(CLIENT, 0, { line }));
    expect([...two.look(lines)].map((mask) => mask & 7)).toEqual([1, 3, 1, 7, 0]);
  });
});

test("whatever is sent, no line with a literal in a decoded or undecoded value is passed over", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "union",
      "select",
      " ",
      "+",
      "/",
      "?",
      "%",
      "%20",
      "%25",
      "\\",
      "..",
      "<",
      "script",
      "a",
      '"',
    ),
    fc.string({ unit: "grapheme-ascii", maxLength: 4 }),
  );
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  const literal = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, fc.option(text), text), { minLength: 1, maxLength: 6 }),
      fc.array(
        literal.filter((each) => each !== ""),
        { minLength: 1, maxLength: 5 },
      ),
      (requests, literals) => {
        const scan = LineScan.of([literals]);
        if (scan === null) return;
        const views = new TextViews({ origins: new Set() });
        const searches = (["path", "query", "target", "userAgent"] as const).flatMap((field) =>
          [false, true].map((decode) => views.view(field, decode).holdsAny(literals, true)),
        );
        views.build();
        const events = requests.map(([path, query, userAgent]) => {
          const written = query === null ? path : `${path}?${query}`;
          return access(CLIENT, 0, {
            path,
            query,
            userAgent,
            line: `${escaped(written)} "${escaped(userAgent)}"`,
          });
        });
        const found = [...scan.look(events)].map((mask) => mask & 1);
        for (const [index, event] of events.entries())
          if (searches.some((holds) => holds(event))) expect(found[index]).toBe(1);
      },
    ),
    { numRuns: runs(500) },
  );
});

/** As Apache writes a header's value. */
const escaped = (text: string): string =>
  text.replace(/[\\"]/g, "\\$&").replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
