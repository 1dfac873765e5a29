import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { refreshRanges } from "../../src/crawlers/download.ts";
import { parseRanges, storedRanges } from "../../src/crawlers/ranges.ts";
import { webServer } from "../download/web-server.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const list = (...prefixes: string[]): string =>
  JSON.stringify({
    creationTime: "2026-11-20T12:00:00.000000",
    prefixes: prefixes.map((each) => (each.includes(":") ? { ipv6Prefix: each } : { ipv4Prefix: each })),
  });

describe("a list of ranges", () => {
  test("is read in the form that the engines publish", () => {
    expect(parseRanges(list("192.0.2.0/27", "2001:db8:4860:10::/64"))).toEqual([
      "192.0.2.0/27",
      "2001:db8:4860:10::/64",
    ]);
  });

  test.each([
    ["no JSON", "<html>"],
    ["no list", "{}"],
    ["an empty list", list()],
    ["a range that is none", list("192.0.2.0/33")],
    ["a name", list("googlebot.com")],
    ["everybody", list("0.0.0.0/0")],
    ["half of IPv6", list("2000::/3")],
    ["more ranges than any engine has", list(...Array.from({ length: 10_001 }, () => "192.0.2.0/24"))],
  ])("that is %s is refused", (_what, text) => {
    expect(() => parseRanges(text)).toThrow();
  });
});

describe("the nightly download", () => {
  test("keeps the last good copy of a list that cannot be had, takes the others, and says what failed", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/google": list("192.0.2.0/27"), "/bing": list("198.51.100.0/24") });
    const urls = { google: `${web.url}/google`, bing: `${web.url}/bing`, apple: "off", duckduckgo: "off" };
    const used: unknown[] = [];
    const refresh = () => refreshRanges(folder.path, urls, async (ranges) => used.push(ranges));
    await refresh();
    web.pages["/google"] = "<html>a captive portal</html>";
    web.pages["/bing"] = list("198.51.100.0/25");
    await expect(refresh()).rejects.toThrow(/^ranges of crawlers were not fetched, copies stay: google: /);
    expect(used).toEqual([
      new Map([
        ["google", ["192.0.2.0/27"]],
        ["bing", ["198.51.100.0/24"]],
      ]),
      new Map([
        ["google", ["192.0.2.0/27"]],
        ["bing", ["198.51.100.0/25"]],
      ]),
    ]);
    expect(storedRanges(folder.path)).toEqual(used[1]);
    expect(readFileSync(join(folder.path, "crawlers/google.json"), "utf8")).toBe(list("192.0.2.0/27"));
  });

  test("a copy that somebody damaged is as one that was never fetched", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/google": list("192.0.2.0/27") });
    await refreshRanges(folder.path, { google: `${web.url}/google` }, async () => {});
    writeFileSync(join(folder.path, "crawlers/google.json"), "{");
    expect(storedRanges(folder.path)).toEqual(new Map());
  });
});
