import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Locator, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { openPage, startBrowser } from "../browser.ts";
import { FixtureServer } from "./fixture-server.ts";

const PATIENCE_MS = 60_000;

/**
 * A real browser on the page as it is built now, in a folder of its own so that other builds do not disturb it.
 * Each test gets a new server and a new session. Call it once in a `describe`.
 */
export class Dashboard {
  server!: FixtureServer;
  page!: Page;
  /** What the browser complained about: errors of scripts, of loading, and of the content security policy. */
  complaints: string[] = [];
  /** The folder of the built page. */
  root = "";
  #browser!: Browser;

  constructor() {
    beforeAll(() => this.#build(), PATIENCE_MS);
    beforeEach(() => this.#open(), PATIENCE_MS);
    afterEach(() => this.#leave(), PATIENCE_MS);
    afterAll(() => this.#remove(), PATIENCE_MS);
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

  async #build(): Promise<void> {
    this.root = mkdtempSync(join(tmpdir(), "sekisho-web-"));
    const configFile = fileURLToPath(new URL("../../web/vite.config.ts", import.meta.url));
    await build({ configFile, logLevel: "warn", build: { outDir: this.root } });
    this.#browser = await startBrowser();
  }

  async #open(): Promise<void> {
    this.server = new FixtureServer(this.root);
    await this.server.listen();
    ({ page: this.page, complaints: this.complaints } = await openPage(this.#browser));
  }

  async #leave(): Promise<void> {
    await this.page.context().close();
    await this.server.close();
  }

  async #remove(): Promise<void> {
    await this.#browser?.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}
