/**
 * Takes the pictures of the README anew: `bin/node docs/images/take-screenshots.ts` (after `npm run build`).
 * They show the real program some time into its demo, as in a browser window: the overview, an incident, and the panel of WebSockets.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openPage, openWindow, startBrowser } from "../../test/browser.ts";
import { RunningProgram, SEKISHO } from "../../test/e2e/command-line.ts";

/** By then the foreign page has opened WebSockets, and they are open still. */
const SOCKETS_MS = 15_000;
/** All scenes have met their rules so much later. */
const REST_MS = 25_000;
/** The picture ends below this many bans. */
const BANS = 5;
/** Its incident is shown: of one client that does one thing. */
const RULE = "password-error";
/** The page's fades. */
const FADE_MS = 300;

// The pictures show this path, so it has no random name; one that is there is somebody else's.
const folder = join(tmpdir(), "sekisho");
mkdirSync(folder, { mode: 0o700 });
try {
  writeFileSync(join(folder, "sekisho.yaml"), 'data: .\ndashboard: { listen: "127.0.0.1:0" }\n');
  await using program = new RunningProgram([SEKISHO, "run", "--demo"], folder);
  await program.says(/#code=\S+\n/);
  await using browser = await startBrowser();
  const { page } = await openPage(await openWindow(browser));
  await page.goto(/http:\S+#code=\S+/.exec(program.stdout)![0]);
  await page.getByText("Live", { exact: true }).waitFor();
  const inBoth = async (name: string, take: (path: string) => Promise<unknown>): Promise<void> => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await sleep(FADE_MS);
      await take(join(import.meta.dirname, `${name}-${colorScheme}.png`));
    }
  };
  await sleep(SOCKETS_MS);
  const panel = page.getByRole("region", { name: "Open WebSockets" });
  await inBoth("websockets", (path) => panel.screenshot({ path }));
  await sleep(REST_MS);
  // The panel was scrolled to, and places are told from the top of the window.
  await page.evaluate(() => scrollTo(0, 0));
  const last = page.getByRole("table", { name: "Bans" }).getByRole("row").nth(BANS);
  const { y, height } = (await last.boundingBox())!;
  const clip = { x: 0, y: 0, width: 1280, height: Math.ceil(y + height) };
  await inBoth("dashboard", (path) => page.screenshot({ path, fullPage: true, clip }));
  await page
    .getByRole("row")
    .filter({ hasText: RULE })
    .getByRole("link", { name: /^incident/ })
    .first()
    .click();
  const reasons = page.locator(".explained").first();
  await reasons.waitFor();
  const end = (await reasons.boundingBox())!;
  const head = { x: 0, y: 0, width: 1280, height: Math.ceil(end.y + end.height) };
  await inBoth("incident", (path) => page.screenshot({ path, fullPage: true, clip: head }));
} finally {
  rmSync(folder, { recursive: true });
}
