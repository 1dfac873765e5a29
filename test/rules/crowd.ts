import { Random } from "../bench/random.ts";

/** Innocent people and programs whose logs look like attacks: who they are, and one working day of each. */

const START = Date.UTC(2026, 10, 20, 8);
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const SITE = "https://www.shop.example";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly status?: number;
  readonly bytes?: number;
  readonly referer?: string;
  readonly agent?: string;
  readonly user?: string;
}
export interface Line {
  readonly at: number;
  readonly text: string;
}
type Actor = (say: (second: number, asked: Asked) => void, random: Random) => void;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function lineOf(client: string, second: number, asked: Asked): string {
  const {
    method = "GET",
    path,
    status = 200,
    bytes = 4_000,
    referer = "-",
    agent = FIREFOX,
    user = "-",
  } = asked;
  const time = new Date(START + second * 1_000);
  const day = `${String(time.getUTCDate()).padStart(2, "0")}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}`;
  const request = method === "-" ? "-" : `${method} ${path} HTTP/1.1`;
  return `${client} - ${user} [${day}:${time.toISOString().slice(11, 19)} +0000] "${request}" ${status} ${bytes} "${referer}" "${agent}"`;
}

/** The lines of all of them, in order of time, each from an address of its own. */
export function linesOf(actors: Readonly<Record<string, Actor>>, seed: number): Map<string, Line[]> {
  const lines = new Map<string, Line[]>();
  Object.entries(actors).forEach(([name, actor], index) => {
    const random = new Random(seed + index);
    const client = index % 2 === 0 ? `198.51.100.${index + 1}` : `2001:db8:${index}:7::${index}`;
    const own: Line[] = [];
    actor((second, asked) => own.push({ at: second, text: lineOf(client, second, asked) }), random);
    lines.set(
      name,
      own.sort((a, b) => a.at - b.at),
    );
  });
  return lines;
}

const browser = (random: Random): string =>
  random.chance(0.4)
    ? `Mozilla/5.0 (iPhone; CPU iPhone OS 18_${random.below(9)} like Mac OS X) AppleWebKit/605.1.15 Version/18.${random.below(9)} Mobile/15E148 Safari/604.1`
    : `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${120 + random.below(25)}.0.0.0 Safari/537.36`;

/** Somebody looks at a few pages; the first comes from a bookmark, a mail or another site. */
const visit =
  (people: number, pages: number): Actor =>
  (say, random) => {
    for (let person = 0; person < people; person++) {
      const agent = browser(random);
      let second = random.below(8 * HOUR);
      let referer = random.chance(0.5) ? "-" : "https://www.google.com/";
      for (let page = 0; page < 1 + random.below(pages); page++) {
        const path = random.chance(0.02)
          ? `/old/${random.below(30)}.html`
          : `/catalogue/${random.below(900)}`;
        say(second, { path, referer, agent, status: path.startsWith("/old") ? 404 : 200 });
        referer = `${SITE}${path}`;
        for (let asset = 0; asset < 12; asset++)
          say(second + random.below(3), {
            path: `/assets/${random.below(60)}.webp`,
            referer,
            agent,
            status: random.chance(0.03) ? 404 : 200,
          });
        say(second + 1, { path: "/api/basket", referer, agent });
        if (random.chance(0.1)) say(second, { method: "-", path: "", status: 408, bytes: 0, agent: "-" });
        second += 5 + random.below(90);
      }
    }
  };

const login = (second: number, agent: string, wrong: boolean): [number, Asked] => [
  second,
  { method: "POST", path: "/login", status: wrong ? 401 : 302, referer: `${SITE}/login`, agent },
];

const every =
  (seconds: number, count: number, asked: (index: number) => Asked): Actor =>
  (say) => {
    for (let index = 0; index < count; index++) say(index * seconds, asked(index));
  };

export const INNOCENT: Readonly<Record<string, Actor>> = {
  "an office of 150 people": visit(150, 12),
  "a mobile carrier's shared address": visit(500, 4),
  "an office that logs in at nine": (say, random) => {
    for (let person = 0; person < 80; person++) {
      const agent = browser(random);
      const second = HOUR + random.below(20 * MINUTE);
      const mistakes = random.chance(0.2) ? 1 + random.below(3) : 0;
      for (let attempt = 0; attempt <= mistakes; attempt++)
        say(...login(second + attempt * 15, agent, attempt < mistakes));
    }
  },
  "an office on a wiki with Basic authentication": (say, random) => {
    for (let person = 0; person < 40; person++) {
      const user = `user${person}`;
      let second = random.below(3 * HOUR);
      say(second, { path: "/wiki/", status: 401 });
      if (random.chance(0.3)) say(second + 9, { path: "/wiki/", status: 401, user });
      for (let page = 0; page < 20; page++) {
        second += 11;
        say(second, { path: `/wiki/${random.below(99)}`, user, referer: `${SITE}/wiki/` });
        say(second, { path: "/wiki/style.css", user, referer: `${SITE}/wiki/` });
      }
    }
  },
  "a page whose session has expired": every(5, 900, () => ({
    path: "/api/notifications",
    status: 401,
    referer: `${SITE}/inbox`,
  })),
  "ten tabs whose sessions have expired": every(1, 1_500, (index) => ({
    path: `/api/feed/${index % 4}`,
    status: 403,
    referer: `${SITE}/inbox`,
  })),
  "a page with broken links and pictures": every(20, 300, (index) => ({
    path: index % 3 === 0 ? `/gone/${index % 9}` : `/img/${index % 40}.jpg`,
    status: 404,
    referer: `${SITE}/links`,
  })),
  "a gallery that another site shows": every(0.1, 600, (index) => ({
    path: `/photos/${index}.jpg`,
    status: 403,
    referer: "https://forum.example/t/7",
  })),
  "developer tools that look for source maps": every(0.05, 120, (index) => ({
    path: `/assets/chunk-${index}.js.map`,
    status: 404,
  })),
  "a monitor": every(30, 900, () => ({ method: "HEAD", path: "/health", agent: "curl/8.5.0" })),
  "a monitor of a page that is forbidden": every(60, 480, () => ({
    path: "/",
    status: 403,
    agent: "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
  })),
  "a monitor without a name, of a page that is gone": every(60, 480, () => ({
    path: "/status",
    status: 404,
    agent: "-",
  })),
  "a feed reader on a feed that is gone": every(300, 96, () => ({
    path: "/feed.xml",
    status: 410,
    agent: "Feedbin feed-id:1 - 3 subscribers",
  })),
  "a search engine after a move": every(1, 3_600, (index) => ({
    path: `/articles/${index}`,
    status: index % 5 < 2 ? 404 : 301,
    agent: GOOGLE,
  })),
  "a search engine in a members' area": every(4, 500, (index) => ({
    path: `/members/${index}`,
    status: 403,
    agent: GOOGLE,
  })),
  "a program that asks an interface in bursts": (say, random) => {
    for (let burst = 0; burst < 20; burst++)
      for (let request = 0; request < 150; request++)
        say(burst * 900 + request / 12, {
          path: `/api/v2/products/${burst * 150 + request}?fields=price`,
          status: random.chance(0.08) ? 404 : 200,
          agent: "shop-sync/3.1",
        });
  },
  "a program whose key runs out every hour": (say) => {
    for (let hour = 0; hour < 8; hour++)
      for (let request = 0; request < 25; request++)
        say(hour * HOUR + request / 20, {
          path: `/api/v2/orders/${request}`,
          status: 401,
          agent: "okhttp/5.1.0",
        });
  },
  "apps behind a carrier's address that sign in and renew tokens": (say, random) => {
    for (let app = 0; app < 1_500; app++) {
      const second = random.below(8 * HOUR);
      const agent = `shop-app/8.${random.below(20)}.1`;
      if (app % 3 === 0)
        say(second, { method: "POST", path: "/api/login", status: random.chance(0.1) ? 401 : 200, agent });
      say(second, { method: "POST", path: "/oauth/token", agent });
      for (let call = 0; call < 6; call++)
        say(second + call, { path: `/api/v1/items/${random.below(300)}`, agent });
    }
  },
  "a WordPress editor at work": (say) => {
    const referer = `${SITE}/wp-admin/post.php?post=7&action=edit`;
    for (let tick = 0; tick < 480; tick++) {
      say(tick * 15, {
        method: "POST",
        path: "/wp-admin/admin-ajax.php",
        status: tick % 40 === 0 ? 400 : 200,
        referer,
      });
      if (tick % 4 === 0)
        say(tick * 15 + 1, {
          method: "POST",
          path: "/wp-json/wp/v2/posts/7/autosaves",
          status: tick > 300 ? 403 : 200,
          referer,
        });
      if (tick % 30 === 0)
        say(tick * 15 + 2, { method: "POST", path: "/wp-admin/async-upload.php", status: 413, referer });
      if (tick % 9 === 0) say(tick * 15 + 3, { path: "/wp-admin/load-styles.php?c=1", referer });
    }
  },
  "a calendar with an old password": every(120, 240, () => ({
    method: "PROPFIND",
    path: "/calendar/",
    status: 401,
    user: "ann",
    agent: "DAVx5/4.4",
  })),
  "office programs on a folder without WebDAV": every(2, 200, (index) => ({
    method: ["OPTIONS", "PROPFIND", "HEAD"][index % 3]!,
    path: "/documents/",
    status: 405,
    agent: "Microsoft Office Word",
  })),
  "a build server that fetches images": (say) => {
    for (let pull = 0; pull < 60; pull++) {
      say(pull * 4, { path: "/v2/", status: 401, agent: "docker/28.1.1 go/go1.24" });
      say(pull * 4 + 1, {
        path: "/v2/shop/app/manifests/latest",
        user: "ci",
        agent: "docker/28.1.1 go/go1.24",
      });
    }
  },
  "sockets that come back after a deploy, of an office": (say, random) => {
    for (let person = 0; person < 45; person++) {
      const agent = browser(random);
      for (let deploy = 0; deploy < 3; deploy++)
        say(HOUR * (1 + deploy) + random.below(30), { path: "/ws", status: 101, agent });
    }
  },
  "a download that is taken up again and again": every(3, 300, (index) => ({
    path: "/files/image.iso",
    status: index % 20 === 19 ? 416 : 206,
    bytes: 8_000_000,
    agent: "Wget/1.25",
  })),
  "a film that is watched": every(2, 2_000, () => ({
    path: "/films/7.mp4",
    status: 206,
    bytes: 1_500_000,
    referer: `${SITE}/films/7`,
  })),
  "a phone that loses its network": every(700, 30, () => ({
    method: "POST",
    path: "/upload",
    status: 408,
    referer: `${SITE}/upload`,
  })),
  "a device called admin with an old password": every(600, 100, () => ({
    method: "PROPFIND",
    path: "/dav/backup/",
    status: 401,
    user: "admin",
    agent: "FreeFileSync",
  })),
  "an office whose form answers 200 when one is in": every(60, 300, (index) => ({
    method: "POST",
    path: "/login",
    status: index % 4 === 0 ? 401 : 200,
    referer: `${SITE}/login`,
  })),
  "an office's second factors in the morning": every(5, 200, (index) => ({
    method: "POST",
    path: "/2fa/verify",
    status: index % 8 === 0 ? 401 : 302,
    referer: `${SITE}/2fa`,
  })),
  "buyers behind one address who try coupons": every(9, 80, (index) => ({
    method: "POST",
    path: "/cart/coupon",
    status: index % 2 === 0 ? 422 : 200,
    referer: `${SITE}/cart`,
  })),
  "an office of eighty whose sockets come back four times a minute": every(0.19, 1_600, () => ({
    path: "/ws",
    status: 101,
  })),
  "an office whose sockets find no backend": every(0.17, 1_700, () => ({
    path: "/ws",
    status: 503,
  })),
  "a lecture hall that logs in at once": (say, random) => {
    for (let person = 0; person < 120; person++) {
      const agent = browser(random);
      const second = random.below(60);
      const mistakes = random.chance(0.3) ? 1 : 0;
      for (let attempt = 0; attempt <= mistakes; attempt++)
        say(...login(second + attempt * 9, agent, attempt < mistakes));
      for (let page = 0; page < 4; page++)
        say(second + mistakes * 9 + 1 + page * 6, {
          path: `/course/${page}`,
          referer: `${SITE}/start`,
          agent,
        });
    }
  },
  "a club that registers at once": every(15, 40, () => ({
    method: "POST",
    path: "/register",
    status: 302,
    referer: `${SITE}/register`,
  })),
  "an app's readers behind a carrier's address, who comment": every(5, 120, (index) => ({
    method: "POST",
    path: `/api/posts/${index % 30}/comments`,
    status: 201,
    agent: "shopapp/4.2 (iOS 18.1)",
  })),
  "a program that sends text messages": every(2, 300, (index) => ({
    path: `/sms/send?username=shop&password=x&to=${index}`,
    agent: "shop/1",
  })),
  "a weather station": every(16, 500, (index) => ({
    path: `/weatherstation/updateweatherstation.php?ID=home&PASSWORD=x&tempf=${index % 90}`,
    agent: "-",
  })),
  "an app with an old token": every(7, 400, () => ({
    path: "/api/notifications",
    status: 401,
    agent: "shopapp/4.2 (Android 15)",
  })),
  "an editor of pictures on an old gallery": every(6, 80, (index) => ({
    method: index % 2 === 0 ? "POST" : "GET",
    path: index % 2 === 0 ? "/gallery/upload.php" : "/images/view.php?id=4",
    referer: `${SITE}/gallery/`,
  })),
  "search engine on numbered pages that are gone": every(3, 150, (index) => ({
    path: `/item?id=${index}`,
    status: 404,
    agent: GOOGLE,
  })),
};
