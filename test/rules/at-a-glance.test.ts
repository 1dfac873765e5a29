import { join } from "node:path";
import { expect, test } from "vitest";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { FIELDS } from "../../src/evaluate/fields.ts";
import { LineScan } from "../../src/evaluate/line-scan.ts";
import { createParser } from "../../src/parse/formats.ts";
import { readRuleSet } from "../../src/setup.ts";

const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const SAFARI =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

const VISITS = [
  ["GET / HTTP/1.1", "-", CHROME],
  ["GET /assets/site.4f1c.css HTTP/2.0", "https://www.example.com/", CHROME],
  ["GET /images/hero-1200.webp HTTP/2.0", "https://www.example.com/", SAFARI],
  ["GET /products?page=2&sort=price HTTP/1.1", "https://www.google.com/", FIREFOX],
  ["POST /cart/items HTTP/1.1", "https://www.example.com/products/shoe-42", SAFARI],
  ["GET /blog/2026/11/a-day-in-kyoto/ HTTP/2.0", "-", FIREFOX],
  ["HEAD /robots.txt HTTP/1.1", "-", CHROME],
  ["GET /favicon.ico HTTP/1.1", "https://www.example.com/", CHROME],
];

/** A text that every line has (a quote, a space, what the format writes) would have each visitor searched for all of them. */
test("no text that a shipped rule looks for stands in the lines of usual visitors", () => {
  const rules = readRuleSet(join(import.meta.dirname, "../../rules"), null, []).rules;
  const views = new Set(compileRules(rules, { origins: new Set() }).map(({ views: each }) => each));
  const searched = [...views].flatMap((each) => each.searched(FIELDS.access));
  const scan = LineScan.of(searched.map(({ literals }) => literals))!;
  const parser = createParser("access", "combined", "UTC");
  const events = VISITS.map(([request, referer, userAgent]) =>
    parser.parse(
      `192.0.2.7 - - [21/Nov/2026:10:00:00 +0000] "${request}" 200 5120 "${referer}" "${userAgent}"`,
      1,
      0 as never,
    ),
  );
  const found = [...scan.look(events).subarray(0, events.length)];
  expect(VISITS.filter((_, index) => found[index] !== 0)).toEqual([]);
});
