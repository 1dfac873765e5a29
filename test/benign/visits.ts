import type { Random } from "../bench/random.ts";
import { ASKED_BY_BROWSERS, ASSETS, ORIGIN, page, post, product, QUERIES, SEARCHES, thread } from "./site.ts";

/** One request of a visit. `after`: seconds since the one before it began. */
export interface Asked {
  readonly after: number;
  readonly target: string;
  readonly method?: string;
  readonly status?: number;
  readonly bytes?: number;
  /** How long the answer took, in milliseconds. */
  readonly took?: number;
  readonly referer?: string | null;
  readonly user?: string;
  /** A WebSocket: how long it stays open, in seconds, and what it sends and gets. */
  readonly socket?: { readonly seconds: number; readonly origin: string | null };
  /** What Apache's error log says of it, with its level and module. */
  readonly error?: string;
}

const pause = (random: Random, from: number, to: number): number => from + random.next() * (to - from);

/** A page with what it loads, as HTTP/2 has it: nearly at once. What was loaded before is not asked for again, or is 304. */
function* view(random: Random, target: string, first: boolean, after: number): Generator<Asked> {
  yield { after, target, took: pause(random, 20, 400) };
  const referer = `${ORIGIN}${target.split("?")[0]}`;
  for (const asset of ASSETS) {
    if (!first && random.chance(0.8)) continue;
    yield {
      after: random.next() * 0.04,
      target: asset,
      status: first || random.chance(0.5) ? 200 : 304,
      referer,
    };
  }
}

export function* surf(random: Random): Generator<Asked> {
  const pages = 1 + random.below(9);
  for (let seen = 0; seen < pages; seen++) {
    const target = page(random.below(10_000));
    const query = random.chance(0.3) ? `?${random.pick(QUERIES)}` : "";
    yield* view(random, `${target}${query}`, seen === 0, pause(random, 3, 60));
    if (seen === 0) {
      for (const asked of ASKED_BY_BROWSERS)
        if (random.chance(0.3)) yield { after: 0.01, target: asked, status: 404 };
    }
    if (random.chance(0.3)) {
      // Suggestions come with each letter.
      const text = random.pick(SEARCHES);
      for (let letters = 1; letters <= Math.min(Array.from(text).length, 12); letters++)
        yield {
          after: 0.15,
          target: `/api/suggest?q=${encodeURIComponent(Array.from(text).slice(0, letters).join(""))}`,
        };
      yield* view(random, `/search?q=${encodeURIComponent(text).replaceAll("%20", "+")}`, false, 1);
    }
    if (random.chance(0.03)) yield { after: 1, target: "/cart/checkout", method: "POST", status: 302 };
  }
}

/** A page of the old site, of which many pictures were lost. */
export function* brokenPages(random: Random): Generator<Asked> {
  for (let seen = 0; seen < 5; seen++) {
    const target = post(random.below(300));
    yield* view(random, target, seen === 0, pause(random, 10, 60));
    for (let lost = 0; lost < 8; lost++)
      yield {
        after: 0.02,
        target: `/uploads/2019/${target.slice(-3)}-${lost}.jpg`,
        status: 404,
        referer: `${ORIGIN}${target}`,
      };
  }
}

/** A map at whose edge there are no tiles. */
export function* panMap(random: Random): Generator<Asked> {
  for (let moves = 0; moves < 8; moves++) {
    const [x, y] = [random.below(4_000), random.below(4_000)];
    for (let tile = 0; tile < 12; tile++)
      yield {
        after: tile === 0 ? pause(random, 1, 6) : 0.01,
        target: `/tiles/12/${x + (tile % 4)}/${y + Math.floor(tile / 4)}.png`,
        status: random.chance(0.3) ? 404 : 200,
        referer: `${ORIGIN}/map`,
      };
  }
}

export function* signIn(random: Random, mistakes: number): Generator<Asked> {
  yield* view(random, "/login", true, 1);
  const form = { target: "/login", method: "POST", referer: `${ORIGIN}/login` };
  for (let wrong = 0; wrong < mistakes; wrong++)
    yield { after: pause(random, 4, 20), ...form, status: random.pick([200, 401]) };
  yield { after: pause(random, 4, 20), ...form, status: 302 };
  yield* view(random, "/account", false, 0.2);
}

/** A tab that was left open goes on asking when the session is over, until somebody looks at it. */
export function* expiredTab(random: Random): Generator<Asked> {
  yield* signIn(random, 0);
  for (let polls = 0; polls < 40; polls++) yield { after: 30, target: "/api/notifications" };
  for (let polls = 0; polls < 120; polls++) yield { after: 30, target: "/api/notifications", status: 401 };
  yield* signIn(random, random.below(3));
}

/** An app starts, calls several things at once, finds its token expired and gets a new one. */
export function* mobileApp(random: Random): Generator<Asked> {
  const calls = [
    "/api/v2/me",
    "/api/v2/feed",
    "/api/v2/cart",
    "/api/v2/messages",
    "/api/v2/config",
    "/api/v2/badges",
  ];
  const referer = null;
  if (random.chance(0.3)) {
    for (const target of calls) yield { after: 0.02, target, status: 401, referer };
    yield { after: 0.2, target: "/oauth/token", method: "POST", referer };
  }
  for (const target of calls) yield { after: 0.02, target, referer };
  for (let scrolls = 0; scrolls < random.below(15); scrolls++)
    yield {
      after: pause(random, 1, 15),
      target: `/api/v2/feed?cursor=${random.below(1e9).toString(36)}`,
      referer,
    };
}

/** A chat that comes back when its socket is lost, waiting longer each time. */
export function* chat(random: Random): Generator<Asked> {
  const sockets = 1 + random.below(4);
  for (let lost = 0; lost < sockets; lost++) {
    const seconds = pause(random, 20, 1_800);
    yield {
      after: 2 ** lost + random.next(),
      target: "/ws/chat?room=7",
      socket: { seconds, origin: ORIGIN },
    };
  }
}

/** After a deploy the server answers 502 and 503 for a moment, while all come back. */
export function* reconnect(random: Random): Generator<Asked> {
  for (let attempt = 0; attempt < 3; attempt++)
    yield {
      after: 0.5 * 2 ** attempt + random.next(),
      target: "/ws/chat?room=7",
      status: 503,
      socket: { seconds: 0, origin: ORIGIN },
    };
  yield { after: 4 + random.next() * 3, target: "/ws/chat?room=7", socket: { seconds: 900, origin: ORIGIN } };
}

export function* editor(random: Random): Generator<Asked> {
  const user = "anna";
  yield { after: 1, target: "/wp-login.php" };
  if (random.chance(0.3)) yield { after: 8, target: "/wp-login.php", method: "POST" };
  yield { after: 8, target: "/wp-login.php", method: "POST", status: 302 };
  const edited = random.below(4_000);
  for (const target of [
    `/wp-admin/post.php?post=${edited}&action=edit`,
    "/wp-admin/load-scripts.php?c=1&load%5B%5D=jquery-core,wp-hooks",
    "/wp-admin/load-styles.php?c=1&dir=ltr&load%5B%5D=common",
    `/wp-json/wp/v2/posts/${edited}?context=edit`,
    "/wp-json/wp/v2/users/me",
    "/wp-json/wp/v2/types?context=edit",
    "/wp-json/wp/v2/taxonomies?per_page=100&context=edit",
    "/wp-json/wp/v2/users/?who=authors&per_page=50",
  ])
    yield { after: 0.2, target, user };
  for (let minutes = 0; minutes < 20; minutes++) {
    yield { after: 15, target: "/wp-admin/admin-ajax.php", method: "POST", user };
    yield { after: 15, target: "/wp-admin/admin-ajax.php", method: "POST", user };
    yield {
      after: 20,
      target: `/wp-json/wp/v2/posts/${edited}/autosaves?_locale=user`,
      method: "POST",
      user,
    };
    if (random.chance(0.2)) yield { after: 5, target: `/?p=${edited}&preview=true&_thumbnail_id=77`, user };
    if (random.chance(0.1))
      yield { after: 3, target: "/wp-admin/async-upload.php", method: "POST", took: 4_000, user };
  }
}

export function* searchEngine(random: Random): Generator<Asked> {
  const referer = null;
  yield { after: 1, target: "/robots.txt", referer };
  for (let pages = 0; pages < 60; pages++)
    yield {
      after: pause(random, 0.5, 8),
      target: page(random.below(100_000)),
      status: random.chance(0.08) ? random.pick([404, 410, 301]) : 200,
      referer,
    };
}

/** A program of a customer's: through a list page by page, as fast as it is answered. */
export function* apiClient(random: Random): Generator<Asked> {
  const pages = 40 + random.below(100);
  for (let number = 1; number <= pages; number++)
    yield {
      after: pause(random, 0.05, 0.3),
      target: `/api/v2/orders?page=${number}&per_page=100`,
      status: random.chance(0.01) ? 429 : 200,
      user: "erp",
      referer: null,
    };
}

export function* webhooks(random: Random): Generator<Asked> {
  const count = 5 + random.below(60);
  for (let sent = 0; sent < count; sent++)
    yield { after: pause(random, 0.02, 1), target: "/hooks/payments", method: "POST", referer: null };
}

export function* monitoring(): Generator<Asked> {
  for (let checks = 0; checks < 120; checks++)
    yield { after: 60, target: "/health", method: checks % 2 === 0 ? "HEAD" : "GET", referer: null };
}

export function* feedReader(random: Random): Generator<Asked> {
  yield { after: 1, target: "/blog/feed.xml", status: random.chance(0.8) ? 304 : 200, referer: null };
}

/** A browser of another site of the company asks beforehand whether it may. */
export function* crossOrigin(random: Random): Generator<Asked> {
  const referer = "https://partner.example/";
  for (let calls = 0; calls < 12; calls++) {
    const target = `/api/v2/prices?sku=${random.below(9_999)}`;
    yield { after: pause(random, 0.5, 5), target, method: "OPTIONS", status: 204, referer };
    yield { after: 0.05, target, referer };
  }
}

/** A video in pieces, and a large file that breaks off and is resumed. */
export function* download(random: Random): Generator<Asked> {
  for (let piece = 0; piece < 60; piece++)
    yield {
      after: pause(random, 0.5, 4),
      target: "/media/film.mp4",
      status: 206,
      bytes: 2_000_000,
      took: 900,
    };
  for (let resumed = 0; resumed < 3; resumed++)
    yield {
      after: 30,
      target: "/downloads/disc.iso",
      status: resumed === 0 ? 200 : 206,
      bytes: 700_000_000,
      took: 80_000,
    };
}

/** Somebody without the permission tries a link of a colleague's a few times, and asks for another. */
export function* mayNot(random: Random): Generator<Asked> {
  yield* signIn(random, 0);
  const error = "[authz_core:error] AH01630: client denied by server configuration: /srv/reports/2026";
  for (let tries = 0; tries < 4; tries++)
    yield { after: pause(random, 2, 40), target: `/reports/2026-${1 + (tries % 2)}`, status: 403, error };
}

/** Basic auth: every first request of a browser is refused, and people mistype. */
export function* basicAuth(random: Random): Generator<Asked> {
  yield { after: 1, target: "/intranet/", status: 401 };
  for (let wrong = 0; wrong < random.below(4); wrong++)
    yield {
      after: pause(random, 5, 20),
      target: "/intranet/",
      status: 401,
      user: "bob",
      error:
        '[auth_basic:error] AH01617: user bob: authentication failure for "/intranet/": Password Mismatch',
    };
  for (let pages = 0; pages < 10; pages++)
    yield { after: pause(random, 2, 30), target: `/intranet/wiki/${random.below(500)}`, user: "bob" };
}

/** A bad line: requests that come too slowly, and again. */
export function* badLine(random: Random): Generator<Asked> {
  yield* view(random, thread(random.below(2_000)), true, 2);
  for (let lost = 0; lost < 3; lost++)
    yield {
      after: 25,
      target: "/api/upload",
      method: "POST",
      status: random.pick([408, 200, 200]),
      took: 20_000,
    };
}

/** A shopper who compares: many pages in little time, in as many tabs. */
export function* manyTabs(random: Random): Generator<Asked> {
  yield* view(random, "/shop/lamps", true, 1);
  for (let tabs = 0; tabs < 25; tabs++) yield* view(random, product(random.below(800)), false, 0.4);
}
