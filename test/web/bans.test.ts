import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";

describe.skipIf(missing("chromium"))("bans on the page", () => {
  const dashboard = new Dashboard();

  test("a ban is shown with its reason, who decided, what remains and who enforces it", async () => {
    await dashboard.signIn();
    const text = await dashboard.ban("192.0.2.66/32").textContent();
    expect(text).toContain("12 requests that Apache forbade in 60 s");
    expect(text).toContain("by rule apache-forbidden");
    expect(text).toMatch(/3:5\d:\d\d/);
    expect(text).toContain("apache-include");
    expect(await dashboard.ban("203.0.113.0/24").textContent()).toMatch(
      /by a person[\s\S]*permanent[\s\S]*not yet enforced/,
    );
  });

  test("a ban that lets its client through says how many requests came", async () => {
    dashboard.server.bans = dashboard.server.bans.map((ban) =>
      ban.target === "192.0.2.66/32" ? { ...ban, passed: 1_234 } : ban,
    );
    await dashboard.signIn();
    await dashboard.ban("192.0.2.66/32").getByText("1,234 requests came through").waitFor();
    expect(await dashboard.bans.getByText("came through").count()).toBe(1);
  });

  test("what remains counts down every second", async () => {
    await dashboard.signIn();
    const countdown = dashboard.ban("192.0.2.66/32").locator(".countdown");
    const before = await countdown.textContent();
    await expect.poll(() => countdown.textContent()).not.toBe(before);
  });

  test("in observe mode every ban says that it is not enforced, and the badge explains the mode", async () => {
    dashboard.server.status = { ...dashboard.server.status, mode: "observe", demo: true };
    dashboard.server.bans = dashboard.server.bans.map((ban) => ({ ...ban, enforcedBy: [] }));
    await dashboard.signIn();
    expect(await dashboard.bans.getByText("not enforced (observe)").count()).toBe(4);
    await dashboard.page.getByText("Decides and records, blocks nothing.").waitFor();
    await dashboard.page.getByText("The bundled sample attack is playing.").waitFor();
  });

  test("unban asks once more, lifts the ban and says so", async () => {
    await dashboard.signIn();
    await dashboard.ban("192.0.2.66/32").getByRole("button", { name: "Unban" }).click();
    expect(dashboard.server.asked).not.toContain("DELETE /api/bans/192.0.2.66/32");
    await dashboard.ban("192.0.2.66/32").getByRole("button", { name: "Unban", exact: true }).click();
    await dashboard.page.getByRole("status").getByText("Unbanned 192.0.2.66/32").waitFor();
    await dashboard.ban("192.0.2.66/32").waitFor({ state: "detached" });
    expect(dashboard.server.asked).toContain("DELETE /api/bans/192.0.2.66/32");
  });

  test("the keyboard reaches unban, Escape keeps the ban, and focus is never lost", async () => {
    await dashboard.signIn();
    const focused = () =>
      dashboard.page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
    const text = () => dashboard.page.evaluate(() => document.activeElement?.textContent ?? "");
    for (let press = 0; press < 60 && (await focused()) !== "Unban 192.0.2.66/32"; press++) {
      await dashboard.page.keyboard.press("Tab");
    }
    expect(await focused()).toBe("Unban 192.0.2.66/32");
    await dashboard.page.keyboard.press("Enter");
    await expect.poll(text).toBe("Unban");
    await dashboard.page.keyboard.press("Escape");
    await expect.poll(focused).toBe("Unban 192.0.2.66/32");
    await dashboard.page.keyboard.press("Enter");
    await expect.poll(text).toBe("Unban");
    await dashboard.page.keyboard.press("Enter");
    await dashboard.ban("192.0.2.66/32").waitFor({ state: "detached" });
    expect(await text()).toBe("Bans");
  });

  test("a ban that another person lifted meanwhile is refused beside its row, with the hint", async () => {
    await dashboard.signIn();
    // What is read when that begins would take the row away.
    await dashboard.untilLive();
    await dashboard.ban("198.51.100.24/32").getByRole("button", { name: "Unban" }).click();
    dashboard.server.bans = dashboard.server.bans.filter(({ target }) => target !== "198.51.100.24/32");
    await dashboard.ban("198.51.100.24/32").getByRole("button", { name: "Unban", exact: true }).click();
    // Where the row has gone meanwhile with a refresh, it is told where outcomes are.
    const { page } = dashboard;
    const refusal = dashboard.ban("198.51.100.24/32").getByRole("alert").or(page.getByRole("status"));
    // In one look, as the row goes with the next refresh.
    await refusal.filter({ hasText: /198\.51\.100\.24\/32 is not banned.*List the bans/s }).waitFor();
  });

  test("what is refused when the row has gone is told all the same", async () => {
    await dashboard.signIn();
    const { page, server } = dashboard;
    await dashboard.untilLive();
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      void page.route("**/api/bans/**", async (route) => {
        resolve();
        await new Promise<void>((answered) => {
          answer = answered;
        });
        await route.continue();
      });
    });
    await dashboard.ban("198.51.100.24/32").getByRole("button", { name: "Unban" }).click();
    await dashboard.ban("198.51.100.24/32").getByRole("button", { name: "Unban", exact: true }).click();
    await asked;
    server.bans = server.bans.filter(({ target }) => target !== "198.51.100.24/32");
    server.tell({ kind: "changed", what: ["bans"] });
    await dashboard.ban("198.51.100.24/32").waitFor({ state: "detached" });
    answer();
    await page
      .getByRole("status")
      .getByText(/198\.51\.100\.24\/32 is not banned.*List the bans/s)
      .waitFor();
  });

  test("allow puts the target on the allowlist and lifts its ban", async () => {
    await dashboard.signIn();
    await dashboard.ban("2001:db8:40:2::/64").getByRole("button", { name: "Allow" }).click();
    await dashboard.page.getByLabel("Reason, optional").fill("our own office");
    await dashboard.page.getByLabel("Reason, optional").press("Enter");
    await dashboard.ban("2001:db8:40:2::/64").waitFor({ state: "detached" });
    await dashboard.page
      .getByRole("status")
      .getByText("Put on the allowlist: 2001:db8:40:2::/64; lifted the ban on 2001:db8:40:2::/64")
      .waitFor();
    await dashboard.allowed("2001:db8:40:2::/64").getByText("our own office").waitFor();
  });

  test("the form shows the server's error and its hint and keeps what was typed", async () => {
    await dashboard.signIn();
    await dashboard.page.getByRole("button", { name: "Ban an address" }).click();
    const form = dashboard.page.getByRole("form", { name: "Ban an address" });
    await form.getByLabel("Target").fill("10.0.0.300");
    await form.getByLabel("Reason").fill("typed once");
    await form.getByRole("button", { name: "Ban" }).click();
    await form.getByText("'10.0.0.300' is not an address").waitFor();
    expect(await form.getByRole("alert").textContent()).toMatch(/Write 192\.0\.2\.7/);
    expect(await form.getByLabel("Reason").inputValue()).toBe("typed once");

    await form.getByLabel("Target").fill("192.0.2.99");
    await form.getByLabel("Length").fill("permanent");
    await form.getByLabel("Target").press("Enter");
    await dashboard.ban("192.0.2.99/32").waitFor();
    expect(await dashboard.ban("192.0.2.99/32").textContent()).toMatch(/typed once[\s\S]*permanent/);
    expect(await form.count()).toBe(0);
  });

  test("a wide target is asked about once more, with how much it is and whom it would refuse", async () => {
    const { page, server } = dashboard;
    await dashboard.signIn();
    await page.getByRole("button", { name: "Ban an address" }).click();
    const form = page.getByRole("form", { name: "Ban an address" });
    const target = form.getByLabel("Target");
    const posts = () => server.asked.filter((call) => call === "POST /api/bans").length;
    await target.fill("203.0.113.0/16");
    await target.press("Enter");
    await form.getByText("203.0.0.0/16 is 65,536 addresses.").waitFor();
    await form.getByText("12 of the 3,400 clients seen since 24 h ago are in it.").waitFor();
    // Enter once more does not confirm.
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Cancel");
    expect(posts()).toBe(0);
    // Another target is another question; the usual ones are none.
    await target.fill("2001:db8::/32");
    expect(await form.getByText("65,536 addresses").count()).toBe(0);
    await form.getByRole("button", { name: "Ban", exact: true }).click();
    await form.getByText("2001:db8::/32 is 4,294,967,296 networks of the size that one client has").waitFor();
    expect(posts()).toBe(0);
    await form.getByRole("button", { name: "Ban all of it" }).click();
    await dashboard.ban("2001:db8::/32").waitFor();
    expect(posts()).toBe(1);
    await page.getByRole("button", { name: "Ban an address" }).click();
    await target.fill("203.0.113.0/24");
    await target.press("Enter");
    await page.getByRole("status").getByText("Banned 203.0.113.0/24").waitFor();
    expect(posts()).toBe(2);
    expect(dashboard.complaints).toEqual([]);
  });

  test("what was banned is named as the server made it: a bare IPv6 address is its /64", async () => {
    await dashboard.signIn();
    await dashboard.page.getByRole("button", { name: "Ban an address" }).click();
    await dashboard.page.getByLabel("Target").fill("2001:db8:7::7");
    await dashboard.page.getByLabel("Target").press("Enter");
    await dashboard.page.getByRole("status").getByText("Banned 2001:db8:7::/64", { exact: true }).waitFor();
  });

  test("a ban that waits for a reload, or takes the place of a longer one, says so", async () => {
    dashboard.server.nextBan = {
      enforcedBy: [],
      waiting: [{ enforcer: "apache-include", at: new Date(Date.now() + 3.5 * 3_600_000).toISOString() }],
      replaced: { until: null },
    };
    await dashboard.signIn();
    await dashboard.page.getByRole("button", { name: "Ban an address" }).click();
    await dashboard.page.getByLabel("Target").fill("192.0.2.0/24");
    await dashboard.page.getByLabel("Target").press("Enter");
    const waits = "Not in force yet: apache-include takes it with its reload in 3 h";
    const told = `Banned 192.0.2.0/24. ${waits}. It took the place of a longer ban`;
    await dashboard.page.getByRole("status").getByText(told).waitFor();
  });

  test("asking once more moves no column and no row", async () => {
    await dashboard.signIn();
    // What is read above the bans moves them as it comes.
    await dashboard.page.getByRole("region", { name: "Traffic" }).locator("canvas").waitFor();
    const places = () =>
      dashboard.bans
        .locator("th, td")
        .evaluateAll((cells) =>
          cells.map((cell) => [cell.getBoundingClientRect().left, cell.getBoundingClientRect().top]),
        );
    const before = await places();
    for (const name of ["Unban", "Allow"]) {
      await dashboard.ban("192.0.2.66/32").getByRole("button", { name }).click();
      await dashboard.page.getByRole("form", { name: `${name} 192.0.2.66/32` }).waitFor();
      expect(await places()).toEqual(before);
      await dashboard.page.keyboard.press("Escape");
    }
  });

  test("nobody is said to be turned away by dry-run alone, in the demo or without an enforcer", async () => {
    const [first] = dashboard.server.status.enforcers;
    const dryRun = [{ ...first!, name: "dry-run" }];
    dashboard.server.bans = dashboard.server.bans.map((ban) => ({ ...ban, enforcedBy: ["dry-run"] }));
    const figures = dashboard.page.getByLabel("Key figures");
    for (const [change, note, sentence] of [
      [{ enforcers: dryRun, demo: true }, "decided, not blocked (demo)", "in the demo nobody is blocked"],
      [{ enforcers: dryRun }, "decided, not blocked (dry-run)", "dry-run, which blocks nobody"],
      [{ enforcers: [] }, "decided, not blocked (no enforcer)", "no enforcer is there to block"],
      [{}, "turned away now", "Decides, records and blocks."],
    ] as const) {
      const before = dashboard.server.status;
      dashboard.server.status = { ...before, ...change };
      await dashboard.signIn();
      await figures.getByText(note).waitFor();
      await dashboard.page.locator("header").getByText(sentence).waitFor();
      dashboard.server.status = before;
      await dashboard.page.goto("about:blank");
    }
    await dashboard.signIn();
    await dashboard.ban("192.0.2.66/32").getByText("dry-run (not blocked)").waitFor();
  });

  test("expired and lifted bans are one press away", async () => {
    await dashboard.signIn();
    await dashboard.page
      .getByRole("region", { name: "Bans" })
      .getByRole("button", { name: "All", exact: true })
      .click();
    await dashboard.ban("198.51.100.7/32").waitFor();
    expect(await dashboard.ban("198.51.100.7/32").textContent()).toContain("expired");
    expect(await dashboard.ban("198.51.100.7/32").getByRole("button").count()).toBe(0);
  });

  test("among many bans an address finds its own, and what is no address is refused beside the field", async () => {
    const { page, server } = dashboard;
    await dashboard.signIn();
    const field = page.getByRole("searchbox", { name: "Address to find among the bans" });
    expect(await field.count()).toBe(0);
    const [ban] = server.bans;
    server.bans = [
      ...Array.from({ length: 30 }, (_, at) => ({ ...ban!, id: 100 + at, target: `10.0.0.${at}/32` })),
      ...server.bans,
    ];
    server.tell({ kind: "changed", what: ["bans"] });
    await field.fill("203.0.113.77");
    await field.press("Enter");
    await dashboard.ban("203.0.113.0/24").waitFor();
    expect(await dashboard.bans.getByRole("row").count()).toBe(2);
    await field.fill("192.0.2.1");
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByText("No active ban covers 192.0.2.1. sekisho explain 192.0.2.1 tells").waitFor();
    await field.fill("nobody");
    await field.press("Enter");
    await page.getByText("'nobody' is not an address or a CIDR range").waitFor();
    await field.fill("");
    await page.getByRole("button", { name: "Show all 34 bans" }).waitFor();
  });

  test("of a long list the first rows are shown, on a phone fewer, and all when a person asks", async () => {
    const { server } = dashboard;
    const more = Array.from({ length: 30 }, (_, at) => ({
      ...server.bans[0]!,
      id: 100 + at,
      target: `198.18.0.${at}/32`,
    }));
    server.bans = [...server.bans, ...more];
    await dashboard.signIn();
    const { page } = dashboard;
    const rows = () => dashboard.bans.locator("tbody").getByRole("row").count();
    expect(await rows()).toBe(10);
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(rows).toBe(5);
    await page.getByRole("button", { name: "Show all 34 bans" }).click();
    await dashboard.ban("198.18.0.29/32").waitFor();
    expect(await rows()).toBe(34);
    await page.getByRole("button", { name: "Show fewer" }).click();
    await expect.poll(rows).toBe(5);
    expect(dashboard.complaints).toEqual([]);
  });
});
