import { dirname } from "node:path";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { openPage, openWindow, startBrowser } from "../browser.ts";
import { built } from "../built.ts";
import { FixtureServer } from "./fixture-server.ts";

const PATIENCE_MS = 60_000;

/**
 * A real browser on the page as it is built. Each test gets a new server and a new session. Call it once in a `describe`.
 */
export class Dashboard {
  server!: FixtureServer;
  page!: Page;
  /** What the browser complained about: errors of scripts, of loading, and of the content security policy. */
  complaints: string[] = [];
  /** The folder of the built page. */
  readonly root = dirname(built("web/index.html"));
  #browser!: Browser;
  #window!: BrowserContext;

  constructor() {
    beforeAll(() => this.#openBrowser(), PATIENCE_MS);
    beforeEach(() => this.#open(), PATIENCE_MS);
    afterEach(() => this.#leave(), PATIENCE_MS);
    afterAll(() => this.#closeBrowser(), PATIENCE_MS);
  }

  get bans(): Locator {
    return this.page.getByRole("table", { name: "Bans" });
  }

  ban(target: string): Locator {
    return this.bans.getByRole("row").filter({ hasText: target });
  }

  /** A row of the allowlist. */
  allowed(target: string): Locator {
    return this.page.getByRole("table", { name: "Allowlist" }).getByRole("row").filter({ hasText: target });
  }

  async signIn(): Promise<void> {
    await this.page.goto(this.server.link());
    await this.ban("192.0.2.66/32").waitFor();
  }

  /** To another page, as a person goes there. */
  async go(name: "Overview" | "Rules" | "Lists"): Promise<void> {
    await this.page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name }).click();
    await this.page.getByRole("heading", { name, level: 1 }).waitFor();
  }

  async untilLive(): Promise<void> {
    await this.page.getByText("Live", { exact: true }).waitFor({ timeout: 60_000 });
  }

  /** How much wider than the window the page is. */
  overflow(): Promise<number> {
    return this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  }

  /** Another server, with data as at first, on the port that the page knows. */
  async replaceServer(): Promise<void> {
    this.server = new FixtureServer(this.root);
    await this.server.listen(Number(new URL(this.page.url()).port));
  }

  async #openBrowser(): Promise<void> {
    this.#browser = await startBrowser();
    this.#window = await openWindow(this.#browser);
  }

  async #open(): Promise<void> {
    this.server = new FixtureServer(this.root);
    await this.server.listen();
    ({ page: this.page, complaints: this.complaints } = await openPage(this.#window));
  }

  async #leave(): Promise<void> {
    await this.page.close();
    // With the page went what it kept to itself, and what it stored belongs to the server's port.
    await this.#window.clearCookies();
    await this.#window.clearPermissions();
    await this.server.close();
  }

  async #closeBrowser(): Promise<void> {
    await this.#browser?.close();
  }
}
