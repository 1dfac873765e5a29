import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";

const since = new Date(Date.now() - 40 * 3_600_000).toISOString();
const open = { name: "breaker", since, reason: "too many" } as const;

describe.skipIf(missing("chromium"))("what keeps rules from banning, on the page", () => {
  const dashboard = new Dashboard();

  test("an open circuit breaker is told, and its bans can be lifted with the reset", async () => {
    dashboard.server.status = {
      ...dashboard.server.status,
      halts: [open],
      problems: [{ message: "rules ban nobody: too many", hint: "look at the bans" }],
    };
    await dashboard.signIn();
    const { page } = dashboard;
    await page.getByRole("alert").getByText("rules ban nobody: too many").waitFor();
    const own = page.getByRole("region", { name: "Sekisho" }).getByRole("listitem");
    expect(await own.filter({ hasText: "Circuit breaker" }).textContent()).toMatch(
      /rules ban nobodysince 4\d h ago/,
    );
    await own.filter({ hasText: "Panic" }).getByText("none, nothing was stopped by hand").waitFor();
    await page.getByRole("button", { name: "Lift its bans and reset the circuit breaker" }).click();
    const question = page.getByRole("form", { name: "Lift its bans and reset the circuit breaker" });
    expect(dashboard.server.asked).not.toContain("POST /api/breaker/reset");
    expect(await dashboard.overflow()).toBeLessThanOrEqual(0);
    await question.getByRole("button", { name: "Lift its bans and reset", exact: true }).click();
    await page.getByRole("status").getByText("Lifted 501 bans; rules may ban again").waitFor();
    await page
      .getByRole("button", { name: "Reset the circuit breaker", exact: true })
      .waitFor({ state: "detached" });
  });

  test("panic asks once more, lifts all bans, says what still blocks, and can be ended", async () => {
    await dashboard.signIn();
    const { page } = dashboard;
    await page.getByRole("button", { name: "Panic: lift all bans" }).click();
    const question = page.getByRole("form", { name: "Panic: lift all bans" });
    await question.getByText("Block nobody until you end it, and lift all bans?").waitFor();
    await question.getByRole("button", { name: "Panic: lift all", exact: true }).click();
    await page
      .getByRole("status")
      .getByText(/^Lifted \d+ bans/)
      .waitFor();
    await page.getByRole("button", { name: "Panic: lift all bans" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "End the panic" }).click();
    await page
      .getByRole("form", { name: "End the panic" })
      .getByRole("button", { name: "End", exact: true })
      .click();
    await page.getByRole("button", { name: "Panic: lift all bans" }).waitFor();
    expect(dashboard.server.asked).toEqual(expect.arrayContaining(["POST /api/panic", "DELETE /api/panic"]));
    expect(dashboard.complaints).toEqual([]);
  });
});
