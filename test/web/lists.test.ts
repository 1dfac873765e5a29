import { describe, expect, test } from "vitest";
import { EXPORT_FORMATS } from "../../src/model/export.ts";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";

describe.skipIf(missing("chromium"))("lists on the page", () => {
  const dashboard = new Dashboard();
  const row = (name: string) =>
    dashboard.page
      .getByRole("table", { name: "Imported lists" })
      .getByRole("row")
      .filter({ has: dashboard.page.getByText(name, { exact: true }) });

  test("each is shown with its source, entries, times, what is left out and what is wrong", async () => {
    await dashboard.signIn();
    await dashboard.go("Lists");
    expect(await row("cdn").textContent()).toMatch(
      /^cdn\/etc\/sekisho\/cdn\.txtas its sourceallow22nothing\d+ min agoin 2 hFetch now$/,
    );
    expect(await row("drop").textContent()).toContain(
      "block1,234end in 41 h2 wrong, 14 refused, 1 sparedown and private ranges are",
    );
    await row("drop").getByText("First lines that are left out").click();
    await row("drop").getByText(String.raw`line 5: '<b>\x1b[2J</b>' is no address or range`).waitFor();
    const scanners = await row("scanners").textContent();
    expect(scanners).toMatch(
      /last good copy holdslist scanners is not taken from .*more than 10 times as many/,
    );
    expect(scanners).toMatch(/Its entries of .* stay; .*lists\[\]\.max and growth are the limits/);
    expect(scanners).toMatch(/\d+ h agotried \d+ min ago/);
    expect(await row("new").textContent()).toMatch(/no entries.*0nothingnevertried/);
  });

  test("one is fetched now, and what it came to is said", async () => {
    await dashboard.signIn();
    await dashboard.go("Lists");
    await row("new").getByRole("button", { name: "Fetch new now" }).click();
    await dashboard.page.getByRole("status").getByText("Fetched new: 1,300 entries").waitFor();
    await row("new").getByText("as its source").waitFor();
    expect(dashboard.server.asked).toContain("POST /api/lists/new/fetch");
  });

  test("one that is gone meanwhile is refused beside its row", async () => {
    await dashboard.signIn();
    await dashboard.go("Lists");
    dashboard.server.goneList = "drop";
    await row("drop").getByRole("button").click();
    await row("drop").getByRole("alert").getByText("there is nothing here").waitFor();
  });

  test("there is a link to each format of the bans for other programs", async () => {
    await dashboard.signIn();
    await dashboard.go("Lists");
    const links = dashboard.page.getByRole("table", { name: "Bans for other programs" }).getByRole("link");
    expect(await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")))).toEqual(
      EXPORT_FORMATS.map((format) => `api/export?format=${format}`),
    );
  });

  test("where none is imported the page says how one is, and on a phone nothing is too wide", async () => {
    await dashboard.page.setViewportSize({ width: 390, height: 844 });
    await dashboard.signIn();
    await dashboard.go("Lists");
    await row("scanners").waitFor();
    expect(await dashboard.overflow()).toBe(0);
    dashboard.server.status = { ...dashboard.server.status, lists: [] };
    await dashboard.page.reload();
    await dashboard.page.getByText("No list is imported.").waitFor();
    expect(dashboard.complaints).toEqual([]);
  });
});
