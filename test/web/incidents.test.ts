import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";
import { HOSTILE } from "./fixture-data.ts";

describe.skipIf(missing("chromium"))("incidents on the page", () => {
  const dashboard = new Dashboard();

  test("evidence is text: nothing in it runs, and hidden characters are shown", async () => {
    await dashboard.signIn();
    await dashboard.page.getByRole("link", { name: "192.0.2.66", exact: true }).click();
    const lines = dashboard.page.locator(".evidence").first().locator("code");
    await lines.first().waitFor();
    expect(await lines.nth(0).textContent()).toBe(HOSTILE.markup);
    expect(await dashboard.page.locator("main img, main script").count()).toBe(0);
    expect(await lines.nth(1).textContent()).toContain(String.raw`GET /\x1b[2J\x1b]0;owned\x07`);
    expect(await lines.nth(2).textContent()).toContain(String.raw`/invoice\u{202e}gpj.exe\u{202c}`);
    expect(await dashboard.page.locator("main").textContent()).not.toMatch(
      /[\u0000-\u001f\u202a-\u202e\u2066-\u2069\u200b]/,
    );
    expect(dashboard.complaints).toEqual([]);
  });

  test("below the lines each rule says what it detects, why, and when it is wrong; the rules are asked for once", async () => {
    await dashboard.signIn();
    await dashboard.page.getByRole("link", { name: "192.0.2.66", exact: true }).click();
    const finding = dashboard.page.getByRole("region", { name: "Finding of rule apache-forbidden" });
    await finding.getByText("A client that Apache refuses again and again.").waitFor();
    await finding.getByText("People stop after one or two refusals.").waitFor();
    await finding.getByText("A page of yours that links to files its readers may not see.").waitFor();
    // What was seen first, then what it may mean.
    const order = await finding.evaluate((section) =>
      [...section.querySelectorAll("ol, details")].map(({ tagName }) => tagName),
    );
    expect(order).toEqual(["OL", "DETAILS"]);
    await dashboard.page.goBack();
    await dashboard.page.getByRole("link", { name: "192.0.2.66", exact: true }).click();
    await finding.getByText("Known false positives").waitFor();
    expect(dashboard.server.asked.filter((call) => call === "GET /api/rules")).toHaveLength(1);
  });

  test("who, what, since when, what was done and how it is undone stand above the lines, on a phone on one screen", async () => {
    const { page, server } = dashboard;
    // What led to the ban stands first.
    server.bans = server.bans.map((ban) => ({ ...ban, rule: "not-found-probing" }));
    await page.setViewportSize({ width: 390, height: 844 });
    await dashboard.signIn();
    await page.goto(`${server.url}#incident/3`);
    await page.getByRole("heading", { name: "192.0.2.66", level: 1 }).waitFor();
    const what = page.getByRole("list", { name: "What was found" }).getByRole("listitem");
    expect(await what.allTextContents()).toEqual([
      "Many distinct paths that do not exist",
      "Requests that Apache forbids, again and again",
    ]);
    const [opened] = server.incidents.map(({ openedAt }) => openedAt);
    const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
    const whole = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "long", timeZone: zone });
    await page
      .locator(".moment")
      .first()
      .getByText(whole.format(Date.parse(opened!)))
      .waitFor();
    const undo = page.getByRole("button", { name: "Unban 192.0.2.66/32" });
    const { y, height } = (await undo.boundingBox())!;
    expect(y + height).toBeLessThan(844);
    await undo.click();
    await page.getByRole("form").getByRole("button", { name: "Unban" }).click();
    await page.getByText("Unbanned 192.0.2.66/32").waitFor();
  });

  test("a line of many kilobytes is shown in part, and whole when asked for", async () => {
    await dashboard.signIn();
    await dashboard.page.goto(`${dashboard.server.url}#incident/3`);
    const line = dashboard.page.locator(".evidence").first().locator("li").nth(3);
    await line.getByRole("button", { name: "Show all" }).click();
    expect(await line.locator("code").textContent()).toBe(HOSTILE.long);
    expect(await dashboard.overflow()).toBe(0);
  });

  test("an incident can be closed and reopened, and the way back is the browser's", async () => {
    await dashboard.signIn();
    // On a phone they stand far below.
    await dashboard.page.getByRole("button", { name: "review them" }).click();
    expect(await dashboard.page.evaluate(() => document.activeElement?.id)).toBe("incidents-heading");
    await dashboard.page.getByRole("link", { name: "198.51.100.24", exact: true }).click();
    await dashboard.page.getByRole("button", { name: "Close incident" }).click();
    await dashboard.page.getByRole("button", { name: "Reopen incident" }).waitFor();
    await dashboard.page.goBack();
    const table = dashboard.page.getByRole("table", { name: "Incidents" });
    await table.waitFor();
    await expect.poll(() => table.getByRole("row").count()).toBe(3);
    await dashboard.page
      .getByRole("region", { name: "Incidents" })
      .getByRole("button", { name: "Closed" })
      .click();
    await table.getByRole("link", { name: "198.51.100.24", exact: true }).waitFor();
  });
});
