import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { openPage, openWindow, startBrowser, startBrowserIn } from "../browser.ts";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { DaemonUnderTest } from "./daemon.ts";
import { daemonBeside, guardedApache, statusOf } from "./guarded-apache.ts";

const ATTACKER = "203.0.113.7";
const NEIGHBOUR = "203.0.113.8";
/** Markup that no rule takes for an attack, so that the refusals are what is found. */
const HOSTILE = "<marquee>hostile</marquee>";

const region = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
const row = (page: Page, table: string, text: string) =>
  page.getByRole("table", { name: table }).getByRole("row").filter({ hasText: text });

describe.skipIf(missing("root", "apache2", "netns", "chromium"))("the dashboard beside a real Apache", () => {
  test("a person sees the ban, the lines that led to it and the state of everything, and lets the client in again", async () => {
    await using apache = await guardedApache();
    // It finds the same in the error log: whichever log is read first would be who bans.
    const siteRules = join(apache.root, "sekisho/rules.d");
    mkdirSync(siteRules, { recursive: true });
    writeFileSync(join(siteRules, "denied-error.yaml"), "mode: off\n");
    await using daemon = daemonBeside(apache);
    await daemon.start();
    await using chromium = await startBrowserIn(apache.namespace);
    const { page, complaints } = await openPage(await openWindow(chromium.browser));
    await page.goto(daemon.link);
    await page.getByText("No bans. When a rule fires").waitFor();
    await page.getByText("Live", { exact: true }).waitFor();

    // The page is open: what follows comes to it by itself.
    expect(await statusOf(apache, NEIGHBOUR)).toBe(200);
    for (let n = 0; n < 10; n++) {
      const headers = { "User-Agent": HOSTILE };
      expect((await apache.request({ from: ATTACKER, path: "/private/", headers })).status).toBe(403);
    }
    const ban = row(page, "Bans", `${ATTACKER}/32`);
    await ban.getByText("apache-directory").waitFor();
    expect(await ban.textContent()).toContain("by rule repeated-403");
    expect(await statusOf(apache, ATTACKER)).toBe(403);
    expect(await statusOf(apache, NEIGHBOUR)).toBe(200);

    const traffic = region(page, "Traffic");
    const figure = (label: string) =>
      traffic.getByRole("button", { name: label }).locator(".legend-value").textContent();
    await expect.poll(() => figure("4xx")).toBe("10");
    await expect.poll(() => figure("2xx")).toBe("2");
    await expect.poll(() => figure("refused")).toBe("1");
    const sources = region(page, "Log sources");
    for (const log of [apache.accessLog, apache.errorLog]) {
      const source = sources.getByRole("listitem").filter({ hasText: log });
      await source.getByText("reading", { exact: true }).waitFor();
    }
    const enforcers = region(page, "Enforcers").getByRole("listitem");
    await enforcers.filter({ hasText: "apache-directory" }).getByText("in-sync", { exact: true }).waitFor();
    await page.getByText("All in order").waitFor();

    await row(page, "Incidents", ATTACKER).getByRole("link", { name: ATTACKER }).click();
    const lines = page.getByRole("region", { name: "Finding of rule repeated-403" }).locator(".evidence li");
    await lines.first().waitFor();
    expect(await lines.count()).toBe(10);
    for (const line of await lines.allTextContents()) {
      expect(line).toMatch(/^203\.0\.113\.7 - - \[.*\] "GET \/private\/ HTTP\/1\.1" 403 /);
      expect(line).toContain(`"${HOSTILE}"`);
    }
    expect(await page.locator("main marquee").count()).toBe(0);

    await row(page, "Bans", `${ATTACKER}/32`).getByRole("button", { name: "Unban" }).click();
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText(`Unbanned ${ATTACKER}/32`).waitFor();
    expect(await statusOf(apache, ATTACKER)).toBe(200);
    await row(page, "Bans", `${ATTACKER}/32`).getByText("revoked").waitFor();
    expect(complaints).toEqual([]);
  });
});

describe.skipIf(missing("chromium"))("the demo", () => {
  test("bans appear on the page by themselves", async () => {
    using folder = temporaryFolder();
    await using daemon = new DaemonUnderTest(folder.path, 'dashboard: { listen: "127.0.0.1:0" }\n');
    await using browser = await startBrowser();
    const { page, complaints } = await openPage(await openWindow(browser));
    await daemon.start("--demo");
    await page.goto(daemon.link);
    await page.getByText("The bundled sample attack is playing.").waitFor();
    const bans = page.getByRole("table", { name: "Bans" }).getByRole("row").filter({ hasText: "dry-run" });
    await bans.first().waitFor();
    // Not only the first scene: within half a minute every kind of attack has met its rule.
    await expect.poll(() => bans.count()).toBeGreaterThanOrEqual(9);
    expect((await daemon.status()).demo).toBe(true);
    expect(complaints).toEqual([]);
  });
});
