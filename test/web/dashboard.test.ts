import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";

/** A read of the page's that is answered when the test says so. */
const heldRead = () => ({
  asked: Promise.withResolvers<void>(),
  goesOn: Promise.withResolvers<void>(),
});

describe.skipIf(missing("chromium"))("the dashboard page", () => {
  const dashboard = new Dashboard();

  test("sources and enforcers show their state, errors and hints", async () => {
    await dashboard.signIn();
    const sources = await dashboard.page.getByRole("region", { name: "Log sources" }).textContent();
    expect(sources).toContain("Add the user sekisho to the file's group: usermod -aG adm sekisho");
    expect(sources).toContain("access, vhost_combined");
    expect(sources).not.toMatch(/audit, audit|error, error/);
    expect(sources).toContain("5.1 MiB");
    expect(sources).toContain("Database: 312 MiB of 2.0 GiB, events since");
    const enforcers = await dashboard.page.getByRole("region", { name: "Enforcers" }).textContent();
    expect(enforcers).toContain("written, waiting for its scheduled reload");
    expect(enforcers?.match(/Apache refused a request of ours \S+ min ago/g)).toHaveLength(1);
  });

  test("what needs attention is one press away, from every page", async () => {
    await dashboard.signIn();
    await dashboard.go("Rules");
    await dashboard.page.getByRole("button", { name: "1 thing needs attention" }).click();
    const failing = dashboard.page.getByRole("listitem").filter({ hasText: "/var/log/sekisho/audit.jsonl" });
    await expect.poll(() => failing.first().evaluate((entry) => entry === document.activeElement)).toBe(true);
    const { y } = (await failing.first().boundingBox())!;
    expect(y).toBeGreaterThan(0);
    expect(y).toBeLessThan(900);
  });

  test("what is near its limit says so, and how long Sekisho runs and what it counts", async () => {
    const { status } = dashboard.server;
    const own = dashboard.page.getByRole("region", { name: "Sekisho" });
    await dashboard.signIn();
    expect(await own.textContent()).toMatch(/Subjects4,711Gave way0Rules9 runRunning for26 h/);
    expect(await own.getByText("memory was full").count()).toBe(0);
    expect(await dashboard.page.getByText("near its limit").count()).toBe(0);
    dashboard.server.status = {
      ...status,
      counting: { subjects: 1_000_000, givenUp: 12, givenUpAt: new Date().toISOString() },
      database: { ...status.database, bytes: 0.95 * status.database.budget },
    };
    await dashboard.page.reload();
    await own.getByText("memory was full").waitFor();
    await dashboard.page.getByText("near its limit: the oldest events are deleted first").waitFor();
  });

  test("an audit source shows what it may ban for, how much, and that it is at its limit", async () => {
    await dashboard.signIn();
    const sources = dashboard.page.getByRole("region", { name: "Log sources" });
    const chat = sources.getByRole("listitem").filter({ hasText: "chat.sock" });
    expect(await chat.textContent()).toMatch(/Bans in a day20 of 20Connections1Dropped2/);
    await chat.getByText("at its limit").waitFor();
    await chat.getByText("May ban for").click();
    await chat.getByText("ws.origin_rejected, ws.rate_exceeded, app.*").waitFor();
    const other = sources.getByRole("listitem").filter({ hasText: "audit.jsonl" });
    expect(await other.textContent()).toContain("May ban for nothing.");
    expect(await sources.getByText("Bans in a day").count()).toBe(2);
  });

  test("an enforcer that waits can be applied now", async () => {
    await dashboard.signIn();
    await dashboard.page.getByRole("button", { name: "Apply apache-include now" }).click();
    await dashboard.page.getByRole("status").getByText("Applied apache-include").waitFor();
    await dashboard.page
      .getByRole("button", { name: "Apply apache-include now" })
      .waitFor({ state: "detached" });
  });

  test("an enforcer that waits for an app says so, and offers no press that would change nothing", async () => {
    const before = dashboard.server.status;
    const note = "no app is connected";
    const guard = { ...before.enforcers[1]!, name: "guard", blocks: 0, nextApplyAt: null, note };
    dashboard.server.status = { ...before, enforcers: [guard] };
    await dashboard.signIn();
    const enforcers = dashboard.page.getByRole("region", { name: "Enforcers" });
    await enforcers.getByText(note).waitFor();
    expect(await enforcers.getByRole("button", { name: /Apply/ }).count()).toBe(0);
    dashboard.server.status = before;
  });

  test("unparsed lines are shown with the reason", async () => {
    await dashboard.signIn();
    await dashboard.page.getByRole("button", { name: "Unparsed lines" }).click();
    await dashboard.page.getByText("not the shape of its source's format").waitFor();
    await dashboard.page.getByText(String.raw`\x16\x03\x01`).waitFor();
  });

  test("the chart names its lines in words, its zone, and counts what bans refused", async () => {
    const devtools = await dashboard.page.context().newCDPSession(dashboard.page);
    await devtools.send("Emulation.setTimezoneOverride", { timezoneId: "Asia/Tokyo" });
    await dashboard.signIn();
    const legend = dashboard.page.getByRole("region", { name: "Traffic" });
    const refused = legend.getByRole("button", { name: /refused/ });
    const total = dashboard.server.traffic(60).reduce((sum, point) => sum + point.refused, 0);
    expect((await refused.textContent())?.replace(/\D/g, "")).toBe(String(total));
    await legend.getByRole("button", { name: "24 h" }).click();
    await legend.getByText("Total of the last 24 h").waitFor();
    await legend.getByText("Requests a minute, average over 15 minutes (times in GMT+9)").waitFor();
    await refused.click();
    expect(await refused.getAttribute("aria-pressed")).toBe("false");
    expect(await legend.locator("canvas").count()).toBe(1);
  });

  test("figures of one span that come when another was chosen are not shown for it", async () => {
    const { page, server } = dashboard;
    await dashboard.signIn();
    await dashboard.untilLive();
    const section = page.getByRole("region", { name: "Traffic" });
    await section.locator("canvas").waitFor();
    const reads = { "60": heldRead(), "1440": heldRead() };
    await page.route("**/api/traffic?*", async (route) => {
      const read = reads[new URL(route.request().url()).searchParams.get("minutes") as keyof typeof reads];
      read.asked.resolve();
      await read.goesOn.promise;
      await route.continue();
    });
    server.tell({ kind: "changed", what: ["traffic"] });
    await reads["60"].asked.promise;
    await section.getByRole("button", { name: "24 h" }).click();
    reads["60"].goesOn.resolve();
    await reads["1440"].asked.promise;
    expect(await section.locator("canvas").count()).toBe(0);
    reads["1440"].goesOn.resolve();
    await section.locator("canvas").waitFor();
  });

  test("where there is nothing yet the page says what will come", async () => {
    dashboard.server.bans = [];
    dashboard.server.incidents = [];
    dashboard.server.traffic = () => [];
    await dashboard.page.goto(dashboard.server.link());
    await dashboard.page.getByText("No bans. When a rule fires").waitFor();
    await dashboard.page.getByText("No open incidents.").waitFor();
    await dashboard.page.getByText("No requests in the last 60 min.").waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test("the theme follows the system until it is toggled, and the choice outlives a reload", async () => {
    const ground = () =>
      dashboard.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await dashboard.signIn();
    const light = await ground();
    await dashboard.page.getByRole("button", { name: "Dark theme" }).click();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await dashboard.page.reload();
    await dashboard.ban("192.0.2.66/32").waitFor();
    expect(await ground()).toBe(dark);
    await dashboard.page.getByRole("button", { name: "Light theme" }).click();
    expect(await ground()).toBe(light);
    await dashboard.page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(ground).toBe(dark);
  });

  test("the chart is drawn in the colours of the theme, also right after the theme changed", async () => {
    /** How many pixels of the chart have exactly the colour of the line `refused` in the present theme. */
    const painted = () =>
      dashboard.page.evaluate(() => {
        const { r, g, b } = /(?<r>\d+), (?<g>\d+), (?<b>\d+)/.exec(
          getComputedStyle(document.querySelector('i[data-color="refused"]')!).color,
        )!.groups!;
        const canvas = document.querySelector<HTMLCanvasElement>(".chart canvas")!;
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let at = 0; at < data.length; at += 4) {
          if (data[at] === Number(r) && data[at + 1] === Number(g) && data[at + 2] === Number(b)) count++;
        }
        return count;
      });
    await dashboard.signIn();
    await expect.poll(painted).toBeGreaterThan(50);
    for (const theme of ["Dark theme", "Light theme"]) {
      await dashboard.page.getByRole("button", { name: theme }).click();
      await expect.poll(painted).toBeGreaterThan(50);
    }
  });

  test("on a phone nothing is wider than the screen, in any view", async () => {
    await dashboard.page.setViewportSize({ width: 390, height: 844 });
    await dashboard.signIn();
    expect(await dashboard.overflow()).toBe(0);
    await dashboard.page.getByRole("button", { name: "Ban an address" }).click();
    await dashboard.ban("192.0.2.66/32").getByRole("button", { name: "Allow" }).click();
    await dashboard.page.getByRole("button", { name: "Unparsed lines" }).click();
    await dashboard.page.getByText("not the shape of its source's format").waitFor();
    expect(await dashboard.overflow()).toBe(0);
    await dashboard.page.goto(`${dashboard.server.url}#incident/3`);
    await dashboard.page.getByRole("heading", { name: "Findings" }).waitFor();
    expect(await dashboard.overflow()).toBe(0);
    expect(dashboard.complaints).toEqual([]);
  });

  test("an injected script would be stopped by the policy under which all of this ran", async () => {
    await dashboard.signIn();
    await dashboard.page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.injected = true";
      document.body.append(script);
    });
    expect(await dashboard.page.evaluate(() => "injected" in window)).toBe(false);
    await expect.poll(() => dashboard.complaints.join()).toContain("Content Security Policy");
  });
});
