/**
 * Takes the pictures of the README anew: `bin/node docs/images/take-screenshots.ts` (after `npm run build`).
 * They show the real program some time into its demo, as in a browser window, and the panel of WebSockets by itself.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openPage, startBrowser } from "../../test/browser.ts";
import { RunningProgram, SEKISHO } from "../../test/e2e/command-line.ts";

/** All scenes have met their rules by then. */
const DEMO_MS = 40_000;
/** The picture ends below this many bans. */
const BANS = 5;
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
  const { page } = await openPage(browser);
  await page.goto(/http:\S+#code=\S+/.exec(program.stdout)![0]);
  await page.getByText("Live", { exact: true }).waitFor();
  await sleep(DEMO_MS);
  const last = page.getByRole("table", { name: "Bans" }).getByRole("row").nth(BANS);
  const { y, height } = (await last.boundingBox())!;
  const panel = page.getByRole("region", { name: "Open WebSockets" });
  const clip = { x: 0, y: 0, width: 1280, height: Math.ceil(y + height) };
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await sleep(FADE_MS);
    await page.screenshot({
      path: join(import.meta.dirname, `dashboard-${colorScheme}.png`),
      fullPage: true,
      clip,
    });
    await panel.screenshot({ path: join(import.meta.dirname, `websockets-${colorScheme}.png`) });
  }
} finally {
  rmSync(folder, { recursive: true });
}
