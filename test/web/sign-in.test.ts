import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";
import { TOKEN } from "./fixture-server.ts";

describe.skipIf(missing("chromium"))("the way in", () => {
  const dashboard = new Dashboard();

  test("the code of the printed link signs in and is gone from the address and the history", async () => {
    await dashboard.signIn();
    expect(dashboard.page.url()).toBe(dashboard.server.url);
    await dashboard.untilLive();
    expect(dashboard.server.asked[0]).toBe("POST /api/session");
    expect(dashboard.complaints).toEqual([]);
  });

  test("a link that is pasted where the page is open already signs in too", async () => {
    await dashboard.page.goto(dashboard.server.url);
    await dashboard.page.getByLabel("Or paste the token").waitFor();
    await dashboard.page.goto(dashboard.server.link());
    await dashboard.ban("192.0.2.66/32").waitFor();
    expect(dashboard.page.url()).toBe(dashboard.server.url);
  });

  test("without a session the page tells where the link and the token are", async () => {
    await dashboard.page.goto(dashboard.server.url);
    await dashboard.page.getByText("prints a link, and so does").waitFor();
    expect(await dashboard.page.getByText("/var/lib/sekisho/token").isVisible()).toBe(true);
    expect(await dashboard.page.getByText("data/token", { exact: true }).isVisible()).toBe(true);
    expect(await dashboard.page.getByRole("heading", { name: "Bans" }).count()).toBe(0);
  });

  test("a used code says so and leaves the token as the way in", async () => {
    const link = dashboard.server.link();
    await dashboard.page.goto(link);
    await dashboard.ban("192.0.2.66/32").waitFor();
    await dashboard.page.context().clearCookies();
    await dashboard.page.goto("about:blank");
    await dashboard.page.goto(link);
    await dashboard.page.getByText("the code in this link is used or too old").waitFor();
    expect(dashboard.page.url()).toBe(dashboard.server.url);
  });

  test("a wrong token is refused with the server's hint, the right one lets in", async () => {
    await dashboard.page.goto(dashboard.server.url);
    const field = dashboard.page.getByLabel("Or paste the token");
    await field.fill("wrong");
    await field.press("Enter");
    await dashboard.page.getByRole("alert").getByText("that is not the token").waitFor();
    await field.fill(`  ${TOKEN}\n`);
    await field.press("Enter");
    await dashboard.ban("192.0.2.66/32").waitFor();
  });

  test("an empty token is not sent", async () => {
    await dashboard.page.goto(dashboard.server.url);
    const field = dashboard.page.getByLabel("Or paste the token");
    await field.press("Enter");
    await field.fill("   ");
    await field.press("Enter");
    await dashboard.page.getByRole("alert").getByText("There is no token in the field.").waitFor();
    expect(dashboard.server.asked).not.toContain("POST /api/session");
  });

  test("a session that ends shows the sign-in, and signing out ends it", async () => {
    await dashboard.signIn();
    await dashboard.page.getByRole("button", { name: "Sign out" }).click();
    await dashboard.page.getByLabel("Or paste the token").waitFor();
    await dashboard.page.reload();
    await dashboard.page.getByLabel("Or paste the token").waitFor();
    expect(dashboard.server.asked).toContain("DELETE /api/session");
  });
});
