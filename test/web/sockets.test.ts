import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";

describe.skipIf(missing("chromium"))("open WebSockets on the page", () => {
  const dashboard = new Dashboard();
  const section = () => dashboard.page.getByRole("region", { name: "Open WebSockets" });
  const row = (client: string) => section().getByRole("row").filter({ hasText: client });

  test("are shown by who holds them, with page, place and how long", async () => {
    await dashboard.signIn();
    await section().getByText("271 open").waitFor();
    expect(await row("203.0.113.19").textContent()).toMatch(
      /240app\.example\.com\/ws\/chathttps:\/\/evil\.exampleforeign\d+ (?:s|min) agolatest/,
    );
    expect(await row("2001:db8:40:2").textContent()).toContain("none sent");
  });

  test("a foreign Origin and a ban are told in words, and the incident is linked", async () => {
    await dashboard.signIn();
    await row("203.0.113.19").getByText("foreign", { exact: true }).waitFor();
    await row("203.0.113.19").getByText("banned", { exact: true }).waitFor();
    expect(await row("203.0.113.19").getByRole("button").count()).toBe(0);
    expect(await row("198.51.100.80").getByText("foreign", { exact: true }).count()).toBe(0);
    await row("203.0.113.19").getByRole("link", { name: "incident 41" }).click();
    await dashboard.page.waitForURL(/#incident\/41$/);
  });

  test("who holds some is banned from the row, after a question", async () => {
    await dashboard.signIn();
    await row("198.51.100.80").getByRole("button", { name: "Ban 198.51.100.80" }).click();
    await section().getByRole("form").getByRole("button", { name: "Ban", exact: true }).click();
    await expect.poll(() => dashboard.server.asked).toContain("POST /api/bans");
    await dashboard.page.getByText("198.51.100.80/32").first().waitFor();
  });

  test("the key figure says how many there are and leads to them", async () => {
    await dashboard.signIn();
    await dashboard.page.getByRole("button", { name: "who holds them" }).click();
    expect(await dashboard.page.evaluate(() => document.activeElement?.id)).toBe("sockets-heading");
  });

  test("are ten rows at most, with the number of the rest", async () => {
    const [holder] = dashboard.server.sockets;
    dashboard.server.sockets = Array.from({ length: 14 }, (_, n) => ({
      ...holder!,
      client: `192.0.2.${100 + n}`,
      open: 2,
    }));
    dashboard.server.status = { ...dashboard.server.status, sockets: { open: 1_234 } };
    await dashboard.signIn();
    await section().getByText("And 1,214 more").waitFor();
    expect(await section().locator("tbody").getByRole("row").count()).toBe(10);
  });

  test("what a client wrote is cut, and hidden characters in it are shown", async () => {
    await dashboard.signIn();
    expect((await row("192.0.2.66").textContent())!.length).toBeLessThan(400);
    expect(await row("192.0.2.66").locator(".hidden-character").count()).toBeGreaterThan(0);
    expect(dashboard.complaints).toEqual([]);
  });

  test("come and go while one looks", async () => {
    await dashboard.signIn();
    await dashboard.untilLive();
    dashboard.server.sockets = dashboard.server.sockets.slice(1, 2);
    dashboard.server.status = { ...dashboard.server.status, sockets: { open: 24 } };
    dashboard.server.tell({ kind: "changed", what: ["sockets"] });
    await row("203.0.113.19").waitFor({ state: "detached" });
    await row("2001:db8:40:2").waitFor();
  });

  test("where none is known, the page says what Apache needs for it", async () => {
    dashboard.server.sockets = [];
    dashboard.server.status = { ...dashboard.server.status, sockets: { open: 0 } };
    await dashboard.signIn();
    await section().getByText("sekisho apache snippet").waitFor();
  });

  test("on a phone nothing is wider than the screen", async () => {
    await dashboard.page.setViewportSize({ width: 360, height: 800 });
    await dashboard.signIn();
    await row("203.0.113.19").waitFor();
    expect(await dashboard.overflow()).toBe(0);
  });
});
