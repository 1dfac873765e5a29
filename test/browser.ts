import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { temporaryFolder } from "./temporary-folder.ts";

const PROGRAM = "/usr/bin/chromium";
const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The system's Chromium. Needs chromium (test/requirements.ts). */
export const startBrowser = (program = PROGRAM): Promise<Browser> =>
  chromium.launch({ executablePath: program, args: ARGUMENTS });

/** A Chromium that sees only the network of this namespace. */
export async function startBrowserIn(
  namespace: string,
): Promise<{ readonly browser: Browser } & AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const program = join(starting.use(temporaryFolder()).path, "chromium");
  writeFileSync(program, `#!/bin/sh\nexec nsenter --net=/run/netns/${namespace} ${PROGRAM} "$@"\n`);
  chmodSync(program, 0o755);
  const browser = await startBrowser(program);
  starting.defer(() => browser.close());
  const lifetimes = starting.move();
  return { browser, [Symbol.asyncDispose]: () => lifetimes.disposeAsync() };
}

export interface WatchedPage {
  readonly page: Page;
  /** What the browser complained about: errors of scripts, of loading, and of the content security policy. */
  readonly complaints: string[];
}

/** A session with a window, which takes Chromium longer to open than all that a test does on a page. */
export async function openWindow(browser: Browser): Promise<BrowserContext> {
  const window = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  // It goes with its last page.
  await window.newPage();
  return window;
}

/** A page in a window. A dialog is a script of somebody else's that ran. */
export async function openPage(window: BrowserContext): Promise<WatchedPage> {
  const page = await window.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", async (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  return { page, complaints };
}
