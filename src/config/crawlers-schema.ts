import { z } from "zod";
import { CRAWLERS, type CrawlerName } from "../model/crawler.ts";
import { parsedText } from "../model/parsed-text.ts";
import { schedule } from "./enforcer-schema.ts";

const address = parsedText<string>(
  (text) => (text === "off" || (URL.canParse(text) && new URL(text).protocol === "https:") ? text : null),
  "an https address or off",
  "the address of a JSON list of prefixes, or off",
);

const published = (name: CrawlerName) => {
  const { ranges } = CRAWLERS.find((crawler) => crawler.name === name)!;
  return address
    .prefault(ranges ?? "off")
    .describe(`Where the ranges of ${name}'s crawler are; off: not fetched.`);
};

/** How those are told who call themselves search engines. */
export const crawlersSchema = z
  .strictObject({
    dns: z
      .boolean()
      .default(true)
      .describe("Looks up in DNS whether who calls himself a search engine is one."),
    ranges: z
      .strictObject({
        google: published("google"),
        bing: published("bing"),
        apple: published("apple"),
        duckduckgo: published("duckduckgo"),
      })
      .prefault({}),
    schedule: schedule.prefault("23 4 * * *").describe("When the ranges are fetched."),
  })
  .prefault({});
