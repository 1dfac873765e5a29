import type { Random } from "../bench/random.ts";
import { USER_AGENTS } from "./site.ts";
import {
  type Asked,
  apiClient,
  badLine,
  basicAuth,
  brokenPages,
  chat,
  crossOrigin,
  download,
  editor,
  expiredTab,
  feedReader,
  manyTabs,
  mayNot,
  mobileApp,
  monitoring,
  panMap,
  reconnect,
  searchEngine,
  signIn,
  surf,
  webhooks,
} from "./visits.ts";

/** Who comes, from how many addresses, how often in a week, and what one visit is. */
export interface Visitors {
  readonly who: string;
  /** Addresses of a population of a thousand lines' worth of site. */
  readonly addresses: number;
  /** Visits of each address in the week. */
  readonly visits: number;
  /** Hours of the day in which visits begin. */
  readonly hours?: readonly [from: number, until: number];
  /** All visits begin in these seconds of the week, as after a deploy. */
  readonly moments?: readonly number[];
  readonly agent: (random: Random) => string | null;
  readonly visit: (random: Random) => Iterable<Asked>;
}

const browser = (random: Random): string => random.pick(USER_AGENTS);
const named = (agent: string) => (): string => agent;

const OFFICE_MORNING: readonly [number, number] = [7, 10];
/** Three deploys in the week, each within a few seconds for everybody. */
const DEPLOYS: readonly number[] = [1 * 86_400 + 50_000, 3 * 86_400 + 55_000, 4 * 86_400 + 60_000];

/** What the week is made of. Visits of one address may run beside each other, as behind an office's router. */
export const VISITORS: readonly Visitors[] = [
  { who: "browser", addresses: 300, visits: 3, agent: browser, visit: surf },
  { who: "browser that asks twice a day", addresses: 20, visits: 14, agent: browser, visit: surf },
  { who: "office of two hundred", addresses: 2, visits: 1_000, hours: [7, 19], agent: browser, visit: surf },
  {
    who: "office signing in",
    addresses: 2,
    visits: 700,
    hours: OFFICE_MORNING,
    agent: browser,
    visit: (random) => signIn(random, random.chance(0.1) ? 1 + random.below(2) : 0),
  },
  {
    who: "mobile carrier",
    addresses: 1,
    visits: 2_500,
    agent: browser,
    visit: (random) => (random.chance(0.5) ? mobileApp(random) : surf(random)),
  },
  { who: "reader of broken pages", addresses: 20, visits: 1, agent: browser, visit: brokenPages },
  { who: "map", addresses: 20, visits: 2, agent: browser, visit: panMap },
  {
    who: "person who mistypes",
    addresses: 30,
    visits: 1,
    agent: browser,
    visit: (random) => signIn(random, 1 + random.below(5)),
  },
  { who: "tab left open", addresses: 8, visits: 2, agent: browser, visit: expiredTab },
  {
    who: "mobile app",
    addresses: 120,
    visits: 5,
    agent: named("ShopApp/5.2.1 (iOS 18.6; iPhone16,1) CFNetwork/3826.600"),
    visit: mobileApp,
  },
  { who: "chat", addresses: 40, visits: 4, agent: browser, visit: chat },
  {
    who: "chat in an office after a deploy",
    addresses: 1,
    visits: 90,
    moments: DEPLOYS,
    agent: browser,
    visit: reconnect,
  },
  {
    who: "chat after a deploy",
    addresses: 60,
    visits: 3,
    moments: DEPLOYS,
    agent: browser,
    visit: reconnect,
  },
  { who: "editor", addresses: 3, visits: 5, hours: [8, 18], agent: browser, visit: editor },
  {
    who: "search engine",
    addresses: 8,
    visits: 30,
    agent: named("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    visit: searchEngine,
  },
  {
    who: "other search engine",
    addresses: 4,
    visits: 20,
    agent: named("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    visit: searchEngine,
  },
  {
    who: "customer's program",
    addresses: 2,
    visits: 14,
    agent: named("python-requests/2.32.3"),
    visit: apiClient,
  },
  { who: "payment provider", addresses: 3, visits: 20, agent: named("Go-http-client/2.0"), visit: webhooks },
  {
    who: "monitoring",
    addresses: 5,
    visits: 7,
    agent: named("UptimeRobot/2.0; http://www.uptimerobot.com/"),
    visit: monitoring,
  },
  {
    who: "feed reader",
    addresses: 40,
    visits: 40,
    agent: named("Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)"),
    visit: feedReader,
  },
  { who: "somebody's cron job", addresses: 5, visits: 100, agent: named("curl/8.5.0"), visit: feedReader },
  { who: "client without a name", addresses: 4, visits: 6, agent: () => null, visit: feedReader },
  { who: "partner's page", addresses: 25, visits: 2, agent: browser, visit: crossOrigin },
  { who: "download", addresses: 8, visits: 1, agent: browser, visit: download },
  { who: "colleague without permission", addresses: 10, visits: 1, agent: browser, visit: mayNot },
  { who: "intranet", addresses: 15, visits: 5, hours: [7, 18], agent: browser, visit: basicAuth },
  { who: "bad line", addresses: 10, visits: 2, agent: browser, visit: badLine },
  { who: "many tabs", addresses: 12, visits: 1, agent: browser, visit: manyTabs },
];
