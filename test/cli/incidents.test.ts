import { expect, test } from "vitest";
import type { BanItem } from "../../src/model/api.ts";
import { incident } from "../serve/samples.ts";
import { daemon, run } from "./daemon.ts";

const BAN: BanItem = {
  ...{ id: 1, kind: "ban", target: "192.0.2.7/32", reason: "Repeated 403", by: "rule", rule: "repeated-403" },
  ...{ at: "2026-11-20T12:01:00.000Z", until: "2026-11-20T16:01:00.000Z", state: "active" },
  ...{ incident: 3, enforcedBy: [], waiting: [] },
} as const;

test("lists who was found for what, and the ban that it led to", async () => {
  const { cwd, backend } = await daemon();
  backend.allIncidents.push(
    { ...incident(3, "open", []), rules: ["probing", "repeated-403", "probing"], ban: BAN },
    { ...incident(2, "open", []), subject: "2001:db8::/64 vhost=a\x1b[2J" },
    { ...incident(1, "closed", []), subject: "192.0.2.8", ban: { ...BAN, state: "revoked" } },
    { ...incident(4, "open", []), subject: "192.0.2.9" },
  );
  const cells = async (...argv: string[]) =>
    (await run(["incidents", ...argv], { cwd })).stdout.split("\n").map((line) => line.split(/ {2,}/));
  const seen = "2026-11-20 12:01 UTC";
  expect(await cells()).toEqual([
    ["subject", "severity", "last seen", "findings", "ban", "rules"],
    ["192.0.2.7", "high", seen, "1", "active", "probing, repeated-403"],
    ["2001:db8::/64 vhost=a\\x1b[2J", "high", seen, "1", "none", "apache-forbidden"],
    ["192.0.2.9", "high", seen, "1", "none", "apache-forbidden"],
    [""],
  ]);
  expect(await cells("--all")).toContainEqual([
    ...["192.0.2.8", "closed", "high", seen, "1", "revoked", "apache-forbidden"],
  ]);
  const { items } = JSON.parse((await run(["incidents", "--json"], { cwd })).stdout);
  expect(items.map(({ id }: { id: number }) => id)).toEqual([3, 2, 4]);
});

test("in a narrow terminal keeps who, how severe and for what", async () => {
  const { cwd, backend } = await daemon();
  backend.allIncidents.push({ ...incident(3, "open", []), ban: BAN });
  const { stdout } = await run(["incidents"], { cwd, isTTY: true, columns: 50 });
  const [, line = ""] = stdout.split("\n");
  expect(line).toMatch(/^192\.0\.2\.7 +high +active +apache-forbidden$/);
  expect(line.length).toBeLessThan(50);
});

test("says that there is none", async () => {
  const { cwd } = await daemon();
  expect(await run(["incidents"], { cwd })).toEqual({
    ...{ status: 0, stderr: "" },
    stdout: "No incident is open.\n",
  });
  expect((await run(["incidents", "--all"], { cwd })).stdout).toBe("There are no incidents.\n");
});
