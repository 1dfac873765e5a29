import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseTarget } from "../../src/model/ip.ts";
import { missing } from "../requirements.ts";
import { runServer, TOKEN } from "../serve/running-server.ts";
import { incident } from "../serve/samples.ts";
import { Dashboard } from "./dashboard.ts";
import { lists } from "./fixture-lists.ts";

describe.skipIf(missing("chromium"))("the page with the real server", () => {
  const dashboard = new Dashboard();

  test("the link signs in; bans, unban and refusals go through the server's own checks", async () => {
    const { server, backend } = await runServer({ webRoot: dashboard.root });
    const { page } = dashboard;
    await page.goto(server.link());
    await dashboard.untilLive();
    expect(page.url()).toBe(`${server.url}/`);
    expect(dashboard.complaints).toEqual([]);

    await page.getByRole("button", { name: "Ban an address" }).click();
    const form = page.getByRole("form", { name: "Ban an address" });
    await form.getByLabel("Target").fill("198.51.100.1");
    await form.getByLabel("Target").press("Enter");
    await form.getByRole("alert").getByText("198.51.100.1/32 is on the allowlist").waitFor();
    await form.getByLabel("Target").fill("2001:db8::7");
    await form.getByLabel("Length").fill("permanent");
    await form.getByLabel("Target").press("Enter");
    await dashboard.ban("2001:db8::/64").waitFor();
    expect(await dashboard.ban("2001:db8::/64").textContent()).toContain("banned by hand");

    await dashboard.allowed("198.51.100.1/32").getByText("the office").waitFor();

    await dashboard.ban("2001:db8::/64").getByRole("button", { name: "Unban" }).click();
    await page.keyboard.press("Enter");
    await dashboard.ban("2001:db8::/64").waitFor({ state: "detached" });
    expect(backend.allBans[0]?.state).toBe("revoked");

    await form.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Ban an address" }).click();
    await form.getByLabel("Target").fill("192.0.2.9");
    await form.getByLabel("Target").press("Enter");
    await dashboard.ban("192.0.2.9/32").getByRole("button", { name: "Allow" }).click();
    await page.keyboard.press("Enter");
    await page.getByText("lifted the ban on 192.0.2.9/32").waitFor();
    await dashboard.allowed("192.0.2.9/32").getByRole("button", { name: "Remove" }).click();
    await page.keyboard.press("Enter");
    await dashboard.allowed("192.0.2.9/32").waitFor({ state: "detached" });
  });

  test("rules, lists and the export come from the server itself, and a list is fetched", async () => {
    const { server, backend } = await runServer({ webRoot: dashboard.root });
    backend.allLists.push({ ...lists()[0]!, name: "a b/c" });
    const { page } = dashboard;
    await page.goto(server.link());
    await dashboard.untilLive();
    await backend.ban({ target: parseTarget("192.0.2.9")!, length: null, reason: "probing" });
    await dashboard.go("Rules");
    await page.getByRole("table", { name: "Near misses" }).getByText(String.raw`user=\x1b[2J`).waitFor();
    await page.getByRole("link", { name: "Repeated 403" }).first().click();
    await page.getByText("/etc/sekisho/rules.d/repeated-403.yaml").first().waitFor();
    await dashboard.go("Lists");
    await page.getByRole("button", { name: "Fetch a b/c now" }).click();
    await page.getByRole("status").getByText("Fetched a b/c: 22 entries").waitFor();
    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "plain" }).click();
    const file = await downloading;
    expect(file.suggestedFilename()).toMatch(/^sekisho-/);
    expect(readFileSync(await file.path(), "utf8")).toBe("192.0.2.9\n");
    expect(dashboard.complaints).toEqual([]);
  });

  test("incidents come live, can be read and closed; the token signs in again after signing out", async () => {
    const { server, backend } = await runServer({ webRoot: dashboard.root });
    const { page } = dashboard;
    await page.goto(server.link());
    await dashboard.untilLive();
    backend.allIncidents.push(incident(4, "open", ["<b>\x1b"]));
    backend.tell({ kind: "changed", what: ["incidents"] });
    await page.getByRole("link", { name: "192.0.2.7" }).click();
    await page.getByText(String.raw`<b>\x1b`).waitFor();
    await page.getByRole("button", { name: "Close incident" }).click();
    await page.getByRole("button", { name: "Reopen incident" }).waitFor();
    expect(backend.allIncidents[0]?.state).toBe("closed");

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Or paste the token").fill(TOKEN);
    await page.getByLabel("Or paste the token").press("Enter");
    await page.getByRole("heading", { name: "Incident 4" }).waitFor();
  });
});
