/** An imaginary company's site: shop, blog, forum, an app on WebSockets, an API, a WordPress, downloads and a map. */
export const HOST = "www.shop.example";
export const ORIGIN = `https://${HOST}`;

const PRODUCTS = 800;
const POSTS = 300;
const THREADS = 2_000;

export const product = (number: number): string => `/shop/item/${1 + (number % PRODUCTS)}`;
export const post = (number: number): string => `/blog/2026/${1 + (number % 12)}/story-${number % POSTS}`;
export const thread = (number: number): string => `/forum/thread/${number % THREADS}`;
export const page = (number: number): string => [product, post, thread][number % 3]!(number);

/** What a page loads beside itself. */
export const ASSETS: readonly string[] = [
  "/assets/app.4f2a.css",
  "/assets/app.91bc.js",
  "/assets/vendor.77de.js",
  "/assets/fonts/inter.woff2",
  "/assets/logo.svg",
  "/assets/icons.svg",
  ...Array.from({ length: 18 }, (_, number) => `/media/thumb-${number}.webp`),
];

/** What browsers ask for by themselves, and few sites have. */
export const ASKED_BY_BROWSERS: readonly string[] = [
  "/favicon.ico",
  "/apple-touch-icon.png",
  "/apple-touch-icon-precomposed.png",
  "/apple-touch-icon-120x120.png",
  "/.well-known/appspecific/com.chrome.devtools.json",
  "/assets/app.91bc.js.map",
  "/browserconfig.xml",
  "/.well-known/change-password",
];

/** What people type into a search, among it what a careless rule takes for an attack. */
export const SEARCHES: readonly string[] = [
  "winter jacket",
  "o'brien whiskey",
  "rock 'n' roll t-shirt",
  "50% off",
  "c++ for beginners",
  "credit union select committee",
  "drop table lamp",
  "select all from the union catalogue",
  "1 or 2 seater sofa",
  "black and white and red",
  "alert button for seniors",
  "script font poster",
  "how to exec a will",
  "ping pong table; net & bats",
  "size <40",
  "price > 100 and < 200",
  "cat bed / dog bed",
  "etc. and so on",
  "../ what does it mean",
  "$name mug",
  "{{mustache}} cup",
  "sleep (10 hours)",
  "passwd holder",
  "日本酒 グラス",
  "テーブル ; 椅子",
  "größe 42",
  "crème brûlée",
  "🎁 gift",
  "a||b",
  '"quoted phrase" -without',
];

/** Queries as marketing, shares, sign-ins and apps make them. */
export const QUERIES: readonly string[] = [
  "utm_source=news&utm_medium=email&utm_campaign=xmas%20sale",
  "fbclid=IwAR0a1b2c3d4e5f6g7h8i9j0-_",
  "gclid=Cj0KCQiA1b2c3&gad_source=1",
  `return_to=${encodeURIComponent("/account?tab=orders&sort=desc")}`,
  `redirect_uri=${encodeURIComponent("https://www.shop.example/callback")}&state=xyz`,
  `share=${encodeURIComponent("https://www.shop.example/blog/2026/3/story-7")}`,
  `filter=${encodeURIComponent('{"price":{"min":10,"max":200},"tags":["a","b"]}')}`,
  "token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r",
  "data=eyJhIjoxLCJiIjpbMSwyLDNdfQ%3D%3D",
  "page=2&per_page=50&sort=-created_at",
  "ids[]=1&ids[]=2&ids[]=3",
  "q=%E6%97%A5%E6%9C%AC&lang=ja",
  "lat=52.52&lon=13.405&zoom=12",
  "from=2026-11-01T00%3A00%3A00%2B01%3A00&to=2026-11-08T00%3A00%3A00%2B01%3A00",
  "callback=jQuery3610_1763700000&_=1763700001",
  "v=1.2.3",
];

export const USER_AGENTS: readonly string[] = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36 Instagram 400.0.0.49.68",
  "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
];
