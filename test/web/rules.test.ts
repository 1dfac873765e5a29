import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";
import { rules } from "./fixture-rules.ts";

describe.skipIf(missing("chromium"))("rules on the page", () => {
  const dashboard = new Dashboard();
  const table = () => dashboard.page.getByRole("table", { name: /rules/i });
  const row = (text: string) => table().getByRole("row").filter({ hasText: text });
  const names = async () => (await table().locator("tbody code").allTextContents()).slice(0, 3);
  const choose = (label: string, option: string) =>
    dashboard.page.getByRole("search").getByLabel(label).selectOption(option);
  const near = (text: string) =>
    dashboard.page.getByRole("table", { name: "Near misses" }).getByRole("row").filter({ hasText: text });
  const open = async (id: string) => {
    await dashboard.page.goto(`${dashboard.server.url}#rule/${id}`);
    await dashboard.page.getByRole("heading", { level: 1 }).waitFor();
  };

  test("each is shown with what it detects, may do, found and nearly found; who found most stands first", async () => {
    await dashboard.signIn();
    await dashboard.go("Rules");
    expect(await dashboard.page.title()).toContain("Rules");
    expect(await row("apache-forbidden").textContent()).toMatch(
      /^Requests that Apache forbids, again and againapache-forbiddenA client that Apache refuses again and again\.highenforce10 in 5m41129 of 10$/,
    );
    expect(await row("request-rate").textContent()).toMatch(
      /criticalobservechanged heremore than 200 .*00not counted$/,
    );
    expect(await row("bad-bots").textContent()).toContain("off");
    expect(await names()).toEqual(["apache-forbidden", "auth-repeated", "bad-bots"]);
    const figures = await dashboard.page.getByLabel("Rules within a day").textContent();
    expect(figures).toBe(
      "Rules that run201 observe only, 1 offFindings44of 2 rules within a dayBans15by rules within a day" +
        "Near misses5who came nearChanged here21 added in rules.d",
    );
  });

  test("a search, tag, severity, mode and what is special narrow them down, also after one was looked at", async () => {
    await dashboard.signIn();
    await dashboard.go("Rules");
    const { page } = dashboard;
    const search = page.getByRole("search").getByLabel("Search");
    await search.fill("CRAWLER nothing");
    await expect.poll(names).toEqual(["bad-bots"]);
    await page.getByText("1 of 21 rules").waitFor();
    await page.getByText("Nobody came near the threshold of one of these rules.").waitFor();
    await search.fill("no such word");
    await page.getByText("No rule is like that.").waitFor();
    await page.getByRole("button", { name: "Clear the choice" }).click();
    await row("apache-forbidden").waitFor();
    for (const [label, option, found] of [
      ["Tag", "authentication", ["auth-repeated"]],
      ["Severity", "critical", ["request-rate"]],
      ["Mode", "off", ["bad-bots"]],
      ["Show", "found", ["apache-forbidden", "auth-repeated"]],
      ["Show", "near", ["apache-forbidden", "auth-repeated"]],
    ] as const) {
      await choose(label, option);
      await expect.poll(names).toEqual(found);
      await choose(label, "");
    }
    await choose("Show", "changed");
    await row("request-rate").getByRole("link").click();
    await page.getByRole("heading", { name: "Too many requests" }).waitFor();
    await page.getByRole("link", { name: "All rules" }).click();
    await page.getByText("2 of 21 rules").waitFor();
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.textContent))
      .toBe("Too many requests");
  });

  test("one explains itself, and says what the site changed and how to change more", async () => {
    await dashboard.signIn();
    await open("request-rate");
    const { page } = dashboard;
    const text = (await page.getByRole("article").textContent())!;
    for (const part of [
      "observe its findings are recorded and ban nobody",
      "Fires atmore than 200 beyond 10 in 1sThen quiet for5mBansas long as policy says",
      "WhyPeople stop after one or two refusals.",
      "Known false positivesnone knownReferencesCWE-425Tagsflood",
      "Of this rule no near misses are kept",
      "Changed here, in /etc/sekisho/rules.d/request-rate.yaml:bucket.capacity 200, was 100mode observe",
      "The rule stands in /usr/share/sekisho/rules/request-rate.yaml",
    ])
      expect(text).toContain(part);
    await open("apache-forbidden");
    await page.getByText("A page of yours that links to files its readers may not see.").waitFor();
    await page.getByText("CWE-425, ATT&CK T1595.003").waitFor();
    const found = page.getByRole("table", { name: "Findings" }).getByRole("row").nth(1);
    expect(await found.textContent()).toMatch(
      /^192\.0\.2\.6612\d+ (s|min) agofirst \d+ (s|min) agoincident 3no$/,
    );
    await found.getByRole("link", { name: "incident 3" }).click();
    await page.getByRole("heading", { name: "Incident 3" }).waitFor();
    await open("bad-bots");
    await page.getByText("It found nobody within a day.").waitFor();
  });

  test("a line for rules.d is copied whole; without a clipboard it is selected", async () => {
    await dashboard.signIn();
    await open("apache-forbidden");
    const { page } = dashboard;
    const line = "bucket: { count: 20 }                # 10 now";
    const copy = page.getByRole("button", { name: "Copy bucket" });
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await copy.click();
    await page.getByRole("status").getByText("Copied: bucket").waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(line);
    await page.evaluate(() => {
      Object.defineProperty(navigator, "clipboard", { value: undefined });
    });
    await copy.click();
    await page.getByRole("status").getByText("it is selected, copy it with the keyboard").waitFor();
    expect(await page.evaluate(() => getSelection()?.toString())).toBe(line);
  });

  test("are named in Japanese for who asks for it, or whose browser does, and the choice is kept", async () => {
    await dashboard.signIn();
    await dashboard.go("Rules");
    const language = dashboard.page.getByRole("group", { name: "Language of the rules' names" });
    await language.getByRole("button", { name: "日本語" }).click();
    const japanese = dashboard.page.getByRole("link", { name: "403 の繰り返し" }).first();
    await japanese.waitFor();
    expect(await japanese.locator("[lang=ja]").count()).toBe(1);
    await dashboard.page.reload();
    await japanese.click();
    await dashboard.page.getByRole("heading", { name: "403 の繰り返し", level: 1 }).waitFor();
    await dashboard.page.goto(`${dashboard.server.url}#incident/3`);
    await dashboard.page.getByRole("heading", { name: "403 の繰り返し", level: 3 }).waitFor();
    await dashboard.page.evaluate(() => localStorage.clear());
    await dashboard.page.addInitScript(() => {
      Object.defineProperty(navigator, "languages", { value: ["de", "ja-JP", "en"] });
    });
    await dashboard.page.reload();
    await dashboard.page.getByRole("heading", { name: "403 の繰り返し", level: 3 }).waitFor();
  });

  test("near misses stand nearest first, say who was spared, and lead to their rule", async () => {
    await dashboard.signIn();
    await dashboard.go("Rules");
    const subjects = dashboard.page.getByRole("table", { name: "Near misses" }).locator("tbody th");
    await expect
      .poll(() => subjects.allTextContents())
      .toEqual([
        "192.0.2.14",
        "198.51.100.77",
        "2001:db8:77:1::/64",
        String.raw`192.0.2.15 user=\u{202e}admin<img src=x onerror=alert(1)>`,
        "user=root",
      ]);
    expect(await near("192.0.2.14").textContent()).toMatch(/12 of 12spared by unless\d+ min ago/);
    expect(await near("user=root").getByRole("button").count()).toBe(0);
    await near("198.51.100.77").getByRole("link").click();
    await dashboard.page.getByRole("heading", { name: "Requests that Apache forbids" }).waitFor();
    await expect.poll(() => subjects.allTextContents()).toEqual(["198.51.100.77", "2001:db8:77:1::/64"]);
  });

  test("who came near is allowed or banned from the row, after a question", async () => {
    await dashboard.signIn();
    await dashboard.go("Rules");
    const { page, server } = dashboard;
    await near("192.0.2.15").getByRole("button", { name: "Allow 192.0.2.15", exact: true }).click();
    await near("192.0.2.15").getByText("Never ban 192.0.2.15?").waitFor();
    expect(server.asked).not.toContain("POST /api/allowlist");
    await near("192.0.2.15").getByRole("button", { name: "Allow", exact: true }).click();
    await page.getByRole("status").getByText("Put on the allowlist: 192.0.2.15").waitFor();
    await near("198.51.100.77").getByRole("button", { name: "Ban 198.51.100.77" }).click();
    await near("198.51.100.77").getByRole("button", { name: "Ban", exact: true }).click();
    await page.getByRole("status").getByText("Banned 198.51.100.77/32").waitFor();
  });

  test("what is hostile in a rule or a subject is text, whole on a phone too", async () => {
    await dashboard.page.setViewportSize({ width: 390, height: 844 });
    await dashboard.signIn();
    await dashboard.go("Rules");
    await row("a-rule-of-our-own").getByText("<script>alert(1)</script>").waitFor();
    expect(await dashboard.overflow()).toBe(0);
    await row("a-rule-of-our-own").getByRole("link").click();
    await dashboard.page.getByRole("heading", { name: "<script>" }).waitFor();
    await dashboard.page.getByText("It is a rule of your own").waitFor();
    expect(await dashboard.overflow()).toBe(0);
    expect(await dashboard.page.locator("main :is(script, img, b)").count()).toBe(0);
    expect(dashboard.complaints).toEqual([]);
  });

  test("a ban and a finding lead to their rule, and one that is gone is said to be", async () => {
    await dashboard.signIn();
    const { page } = dashboard;
    await dashboard.ban("192.0.2.66/32").getByRole("link", { name: "apache-forbidden" }).click();
    await page.getByRole("heading", { name: "Requests that Apache forbids" }).waitFor();
    await page.goto(`${dashboard.server.url}#incident/3`);
    await page.getByRole("link", { name: "All about this rule" }).first().click();
    await page.getByRole("heading", { name: "Requests that Apache forbids" }).waitFor();
    await page.goto(`${dashboard.server.url}#rule/not-found-probing`);
    await page.getByRole("heading", { name: "Rule not-found-probing" }).waitFor();
    await page.getByText("There is no such rule.").waitFor();
  });

  test("rules that cannot be read are said to be, and come when they can", async () => {
    dashboard.server.failing.add("GET /rules");
    await dashboard.signIn();
    await dashboard.go("Rules");
    const { page, server } = dashboard;
    await page.getByRole("alert").getByText("Cannot read rules: the database is locked").waitFor();
    await page.getByText("The rules could not be read.").waitFor();
    server.failing.clear();
    await dashboard.go("Lists");
    await dashboard.go("Rules");
    await row("apache-forbidden").waitFor();
    await page.getByRole("alert").getByText("Cannot read rules").waitFor({ state: "detached" });
  });

  test("where no rule is there the page says so, and where nobody came near too", async () => {
    dashboard.server.rules = [];
    await dashboard.signIn();
    await dashboard.go("Rules");
    await dashboard.page.getByText("No rule is there, so nobody is found.").waitFor();
    dashboard.server.rules = rules().filter(({ id }) => id.startsWith("calm"));
    await dashboard.page.reload();
    await dashboard.page.getByText("no rule fired within a day").waitFor();
    await dashboard.page.getByText("all run as shipped").waitFor();
  });

  test("the keyboard goes from page to page, and the focus is at the heading of each", async () => {
    await dashboard.signIn();
    const { page } = dashboard;
    // The link that was pressed has the same words.
    const focused = () =>
      page.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.textContent}`);
    const pages = page.getByRole("navigation", { name: "Pages" });
    for (const name of ["Rules", "Lists"]) {
      await pages.getByRole("link", { name }).focus();
      await page.keyboard.press("Enter");
      await expect.poll(focused).toBe(`H1 ${name}`);
      await expect.poll(() => pages.locator("[aria-current=page]").textContent()).toBe(name);
    }
    await pages.getByRole("link", { name: "Overview" }).focus();
    await page.keyboard.press("Enter");
    await dashboard.ban("192.0.2.66/32").waitFor();
    await page.goto(`${dashboard.server.url}#incident/3`);
    await expect.poll(() => pages.locator("[aria-current=true]").textContent()).toBe("Overview");
  });
});
