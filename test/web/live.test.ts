import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";

describe.skipIf(missing("chromium"))("the page as things change", () => {
  const dashboard = new Dashboard();

  test("a new ban appears without a reload", async () => {
    await dashboard.signIn();
    await dashboard.untilLive();
    dashboard.server.bans = [
      { ...dashboard.server.bans[0]!, id: 50, target: "198.51.100.200/32" },
      ...dashboard.server.bans,
    ];
    dashboard.server.tell({ kind: "changed", what: ["bans"] });
    await dashboard.ban("198.51.100.200/32").waitFor();
  });

  test("a status message changes the figures and the health", async () => {
    await dashboard.signIn();
    await dashboard.untilLive();
    const problems = [{ message: "the disk is full", hint: "free some space" }];
    const status = { ...dashboard.server.status, problems, sockets: { open: 4321 } };
    // What the page still reads as it goes live says the same.
    dashboard.server.status = status;
    dashboard.server.tell({ kind: "status", status });
    await dashboard.page.getByText("4,321 open").waitFor();
    await dashboard.page.getByRole("alert").getByText("the disk is full").waitFor();
    await dashboard.page.getByText("2 things need attention").waitFor();
  });

  test("many changes at once are read once more, not once each", async () => {
    await dashboard.signIn();
    await dashboard.untilLive();
    const reads = () => dashboard.server.asked.filter((call) => call === "GET /api/bans").length;
    const before = reads();
    for (let message = 0; message < 100; message++)
      dashboard.server.tell({ kind: "changed", what: ["bans"] });
    await expect.poll(reads).toBeGreaterThan(before);
    await dashboard.page.waitForTimeout(1_500);
    expect(reads() - before).toBeLessThanOrEqual(3);
  });

  test("a server that goes away is told, and the page recovers by itself when it is back", async () => {
    await dashboard.signIn();
    await dashboard.untilLive();
    await dashboard.server.close();
    await dashboard.page.getByRole("status").getByText("Connection lost, retrying").waitFor();
    expect(await dashboard.ban("192.0.2.66/32").count()).toBe(1);
    await dashboard.replaceServer();
    dashboard.server.bans = dashboard.server.bans.slice(1);
    await dashboard.untilLive();
    await dashboard.ban("192.0.2.66/32").waitFor({ state: "detached" });
  });

  test("without a live stream the page asks by itself", async () => {
    await dashboard.page.addInitScript(() => Reflect.deleteProperty(globalThis, "EventSource"));
    await dashboard.signIn();
    await dashboard.page.getByText("Asking every 5 s").waitFor();
    dashboard.server.bans = dashboard.server.bans.slice(1);
    await dashboard.ban("192.0.2.66/32").waitFor({ state: "detached" });
  });
});
