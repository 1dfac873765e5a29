import fc from "fast-check";
import { expect, test } from "vitest";
import { searchedIn } from "../../src/evaluate/searched.ts";
import { runs } from "../property.ts";

test.each([
  ["/search", "q=' or 1=1--", "' or 1=1--"],
  ["/", "s=x&page=2", "x"],
  ["/search/", "page=2&Search_Query=<script>&sort=price", "<script>"],
  ["/catalogue/index.php", "keywords=a=b", "a=b"],
  ["/", "q=plain&s=<b>", "<b>"],
  ["/", "q=<b>&s=plain", "<b>"],
  ["/", "q=one&s=two", "two"],
  ["/", "q=", ""],
])("of a request for %s with %s is searched for %j", (path, query, searched) => {
  expect(searchedIn(path, query)).toBe(searched);
});

test.each([
  ["/", null],
  ["/", "page=2"],
  ["/", "id=1' or 1=1&q=x"],
  ["/", "q=<b>&s=<i>"],
  ["/", "q=x&<script>"],
  ["/", "q"],
  ["/", "q=x&"],
  ["/.env", "q=x"],
  ["/a/../b", "q=x"],
  ["//", "q=x"],
  ["/a b", "q=x"],
])("a request for %s with %s is no search", (path, query) => {
  expect(searchedIn(path, query)).toBeNull();
});

/** Path, search box and other parameters in one expression. */
const SEARCH =
  /^(\/[\w~\x80-\xff-]+(\.[\w~\x80-\xff-]+)*)*\/?\?([\w.[\]-]+=[\w .:,+-]*&)*(q|s|k|w|query|search|search_?query|keywords?|term|text|title)=[^&]*(&[\w.[\]-]+=[\w .:,+-]*)*$/is;

test("it is a search where one expression over the whole says so", () => {
  const path = fc.array(fc.constantFrom("/", "a", ".", "b", "~", "%", "-"), { maxLength: 5 });
  const query = fc.array(
    fc.constantFrom(
      "q=",
      "s=",
      "page=",
      "Title=",
      "&",
      "=",
      "/",
      ".",
      "a",
      "x y",
      "'",
      "<",
      "~",
      "[]",
      "\xe9",
    ),
    { maxLength: 14 },
  );
  fc.assert(
    fc.property(path, query, (parts, rest) => {
      const [asked, parameters] = [`/${parts.join("")}`, rest.join("")];
      expect(searchedIn(asked, parameters) !== null).toBe(SEARCH.test(`${asked}?${parameters}`));
    }),
    { numRuns: runs(5_000) },
  );
});
