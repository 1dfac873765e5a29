import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";

describe.skipIf(missing("chromium"))("the allowlist on the page", () => {
  const dashboard = new Dashboard();

  test("each entry says who put it there, when and why; only a person's can be removed", async () => {
    await dashboard.signIn();
    const byPerson = dashboard.allowed("203.0.113.9/32");
    expect(await byPerson.textContent()).toMatch(/the <b>scanner<\/b> that we pay for\s*a person\s*25 h ago/);
    const configured = dashboard.allowed("198.51.100.0/28");
    expect(await configured.textContent()).toMatch(/the configuration[\s\S]*changed in sekisho\.yaml/);
    expect(await configured.getByRole("button").count()).toBe(0);
  });

  test("remove asks once more, takes the entry off and says so", async () => {
    await dashboard.signIn();
    const entry = dashboard.allowed("203.0.113.9/32");
    await entry.getByRole("button", { name: "Remove" }).click();
    expect(dashboard.server.asked).not.toContain("DELETE /api/allowlist/203.0.113.9/32");
    await entry.getByRole("button", { name: "Remove", exact: true }).click();
    await dashboard.page
      .getByRole("status")
      .getByText("Removed from the allowlist: 203.0.113.9/32")
      .waitFor();
    await entry.waitFor({ state: "detached" });
    expect(dashboard.server.asked).toContain("DELETE /api/allowlist/203.0.113.9/32");
  });

  test("Escape keeps the entry", async () => {
    await dashboard.signIn();
    const entry = dashboard.allowed("203.0.113.9/32");
    await entry.getByRole("button", { name: "Remove" }).click();
    await dashboard.page.keyboard.press("Escape");
    await dashboard.page.getByRole("form", { name: "Remove 203.0.113.9/32" }).waitFor({ state: "detached" });
    expect(await dashboard.page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(
      "Remove 203.0.113.9/32",
    );
    expect(dashboard.server.allowlist).toHaveLength(2);
  });

  test("an empty allowlist says how somebody gets on it", async () => {
    dashboard.server.allowlist = [];
    await dashboard.signIn();
    await dashboard.page.getByText("Nobody is on the allowlist.").waitFor();
  });
});
