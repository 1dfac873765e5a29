import { describe, expect, test } from "vitest";
import type { Status } from "../../src/model/api.ts";
import { parseTarget } from "../../src/model/ip.ts";
import { daemon, enforcer, PANIC, run } from "./daemon.ts";

describe("ban", () => {
  test("bans an address for a length, with a reason", async () => {
    const { cwd, backend } = await daemon({ mode: "enforce" });
    const outcome = await run(["ban", "192.0.2.7", "--for", "4h", "--reason", "scanner"], { cwd });
    expect(outcome).toEqual({
      status: 0,
      stdout: "banned 192.0.2.7/32 until 2026-11-20 16:00:00 UTC (4h from now)\n",
      stderr: "",
    });
    expect(backend.allBans).toMatchObject([{ target: "192.0.2.7/32", reason: "scanner", by: "person" }]);
  });

  test("of an IPv6 address is of its /64, and permanent when asked", async () => {
    const { cwd, backend } = await daemon();
    const { stdout } = await run(["ban", "2001:db8::1", "--for", "permanent"], { cwd });
    expect(stdout).toContain("banned 2001:db8::/64 until somebody unbans it\n");
    expect(backend.allBans).toMatchObject([{ target: "2001:db8::/64", until: null }]);
  });

  test("in observe mode says that it is only recorded", async () => {
    const { cwd } = await daemon({ mode: "observe" });
    expect((await run(["ban", "192.0.2.7"], { cwd })).stdout).toMatch(
      /^banned 192\.0\.2\.7\/32 until .*: recorded, not enforced \(observe mode\)\n$/,
    );
  });

  test("in panic says what it waits for", async () => {
    const { cwd } = await daemon({ mode: "observe", halts: [PANIC] });
    expect((await run(["ban", "192.0.2.7"], { cwd })).stdout).toMatch(
      /: recorded, not enforced before: sekisho panic --end\n$/,
    );
  });

  test("that waits for a scheduled reload says which, and when", async () => {
    const { cwd, backend } = await daemon({ enforcers: [enforcer("pending")] });
    backend.enforcedBy = [];
    backend.waiting = [{ enforcer: "apache-include", at: "2026-11-20T12:17:00.000Z" }];
    expect((await run(["ban", "2001:db8:f000::/52"], { cwd })).stdout).toMatch(
      /; not in force yet: apache-include takes it with its reload at 2026-11-20 12:17 UTC\n$/,
    );
  });

  test("that waits for an app to connect says so", async () => {
    const note = "no app is connected";
    const { cwd, backend } = await daemon({ enforcers: [{ ...enforcer("pending"), name: "guard", note }] });
    backend.enforcedBy = [];
    backend.waiting = [{ enforcer: "guard", at: null }];
    expect((await run(["ban", "192.0.2.7"], { cwd })).stdout).toMatch(
      /; not in force yet: guard: no app is connected\n$/,
    );
    expect((await run(["status"], { cwd })).stdout).toMatch(/pending +guard .*no app is connected/);
  });

  test("that only dry-run has says that nobody is blocked", async () => {
    const { cwd, backend } = await daemon({ enforcers: [{ ...enforcer("in-sync"), name: "dry-run" }] });
    backend.enforcedBy = ["dry-run"];
    expect((await run(["ban", "192.0.2.7"], { cwd })).stdout).toMatch(
      /; not in force: dry-run blocks nobody\n$/,
    );
  });

  test.each<[string, Status["enforcers"], string]>([
    ["there is no enforcer", [], "no enforcer is configured"],
    ["it failed", [enforcer("failed")], "apache-include failed: configtest says no"],
    ["it cannot carry the target", [enforcer("in-sync")], "apache-include cannot carry it"],
    [
      "the ban is too short for the schedule",
      [{ ...enforcer("in-sync"), unenforced: [] }],
      "it ends before apache-include",
    ],
  ])("that nothing enforces since %s says so", async (_why, enforcers, told) => {
    const { cwd, backend } = await daemon({ enforcers });
    backend.enforcedBy = [];
    const { status, stdout } = await run(["ban", "192.0.2.1"], { cwd });
    expect(status).toBe(0);
    expect(stdout).toContain(`; not in force: ${told}`);
  });

  test.each([
    ["192.0.2.0/2", "192.0.0.0/2 is one of 4 parts of the IPv4 internet"],
    ["0.0.0.0/0", "0.0.0.0/0 is all of the IPv4 internet"],
    ["2001:db8::/6", "2000::/6 is one of 64 parts of the IPv6 internet"],
  ])("of %s, which somebody mistyped, is refused until --wide says that it is meant", async (text, told) => {
    const { cwd, backend } = await daemon();
    const { status, stdout, stderr } = await run(["ban", text], { cwd });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toBe(
      `sekisho: ${told}\nhint: write the length that you meant, as in 192.0.2.0/24; if it is meant, add --wide\n`,
    );
    expect(backend.allBans).toEqual([]);
    expect(await run(["ban", text, "--wide"], { cwd })).toMatchObject({ status: 0, stderr: "" });
  });

  test("says which range a host in it was taken for", async () => {
    const { cwd } = await daemon();
    expect((await run(["ban", "10.0.0.5/8"], { cwd })).stdout).toContain(
      "banned 10.0.0.0/8 (from 10.0.0.5/8) until",
    );
    expect((await run(["ban", "2001:DB8::/32"], { cwd })).stdout).toContain("banned 2001:db8::/32 until");
  });

  test("that is shorter than the one it replaces says so", async () => {
    const { cwd } = await daemon();
    await run(["ban", "192.0.2.7", "--for", "4h"], { cwd });
    expect((await run(["ban", "192.0.2.7", "--for", "1d"], { cwd })).stdout).not.toContain("longer");
    expect((await run(["ban", "192.0.2.7", "--for", "1h"], { cwd })).stdout).toContain(
      "took the place of a longer ban, until 2026-11-21 12:00:00 UTC (1d from now)\n",
    );
  });

  test("of a protected target is refused with status 1 and the daemon's reason", async () => {
    const { cwd } = await daemon();
    const { status, stdout, stderr } = await run(["ban", "198.51.100.1"], { cwd });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^sekisho: .+\nhint: .+\n$/);
  });

  test.each([
    [["ban", "example.com"], "'example.com' is not an address or a CIDR range"],
    [["ban", "192.0.2.7/33"], "'192.0.2.7/33' is not an address or a CIDR range"],
    [["ban", "192.0.2.7", "--for", "4 hours"], "'4 hours' is not a length of time"],
    [["ban", "\x1b[31m"], "'\\x1b[31m' is not an address"],
  ])("%j is status 2, and the daemon is not asked", async (argv, message) => {
    const { status, stderr } = await run(argv, { cwd: "/" });
    expect(status).toBe(2);
    expect(stderr).toContain(`sekisho: ${message}`);
  });
});

test("where the person sits who came over ssh is told the daemon, which bans nobody there", async () => {
  const { cwd, backend } = await daemon();
  await run(["status"], { cwd });
  expect(backend.present).toEqual([]);
  await run(["status"], { cwd, env: { SSH_CONNECTION: "203.0.113.7 50022 192.0.2.1 22" } });
  expect(backend.present).toEqual(["203.0.113.7/32"]);
});

describe("unban", () => {
  test("lifts a ban", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "2001:db8::/48"], { cwd });
    expect(await run(["unban", "2001:db8::/48"], { cwd })).toEqual({
      status: 0,
      stdout: "unbanned 2001:db8::/48\n",
      stderr: "",
    });
    expect(backend.allBans).toMatchObject([{ state: "revoked" }]);
  });

  test("of several lifts each that is banned, and none where one is no target", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "192.0.2.7", "192.0.2.9"], { cwd });
    expect(await run(["unban", "192.0.2.7", "192.0.2.x"], { cwd })).toMatchObject({ status: 2, stdout: "" });
    const { status, stdout, stderr } = await run(["unban", "192.0.2.7", "192.0.2.8", "192.0.2.9"], { cwd });
    expect([status, stdout]).toEqual([1, "unbanned 192.0.2.7/32\nunbanned 192.0.2.9/32\n"]);
    expect(stderr).toMatch(/^sekisho: 192\.0\.2\.8\/32 .*\nhint: .*\n$/);
    expect(backend.allBans.map(({ state }) => state)).toEqual(["revoked", "revoked"]);
  });

  test("of what is not banned is status 1", async () => {
    const { cwd } = await daemon();
    expect(await run(["unban", "192.0.2.99"], { cwd })).toMatchObject({ status: 1, stdout: "" });
  });
});

describe("bans", () => {
  test("lists who is banned, since when, until when, by whom, and why", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "192.0.2.7", "--for", "4h", "--reason", "scanner \u202e"], { cwd });
    const first = backend.allBans[0]!;
    backend.allBans.push(
      {
        ...first,
        id: 2,
        target: "192.0.2.8/32",
        rule: "repeated-403",
        by: "rule",
        until: null,
        enforcedBy: [],
      },
      { ...first, id: 3, target: "192.0.2.9/32", state: "revoked" },
    );
    const { stdout } = await run(["bans"], { cwd });
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["target", "since", "until", "by", "enforced by", "reason"],
      [
        "192.0.2.7/32",
        "2026-11-20 12:00 UTC",
        "2026-11-20 16:00 UTC",
        "person",
        "apache-directory",
        "scanner \\u202e",
      ],
      ["192.0.2.8/32", "2026-11-20 12:00 UTC", "permanent", "repeated-403", "nothing", "scanner \\u202e"],
      [""],
    ]);
    expect((await run(["bans", "--all"], { cwd })).stdout).toMatch(/^192\.0\.2\.9\/32 +revoked/m);
    expect(JSON.parse((await run(["bans", "--json"], { cwd })).stdout)).toEqual({
      items: JSON.parse(JSON.stringify(backend.allBans.slice(0, 2))),
      next: null,
    });
  });

  test("in a narrow terminal gives up the times before the rule's name and the reason", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "2001:db8:bad:2::/64", "--reason", "Request rate: 200 in 2s"], { cwd });
    backend.allBans[0] = { ...backend.allBans[0]!, rule: "request-rate", enforcedBy: ["dry-run"] };
    const lines = async (columns: number) =>
      (await run(["bans"], { cwd, isTTY: true, columns })).stdout.split("\n")[1];
    expect(await lines(80)).toBe("2001:db8:bad:2::/64  request-rate  dry-run      Request rate: 200 in 2s");
    expect(await lines(120)).toContain(
      "2026-11-20 16:00 UTC  request-rate  dry-run      Request rate: 200 in 2s",
    );
  });

  test("lists more than the interface answers at once", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "192.0.2.7"], { cwd });
    const first = backend.allBans[0]!;
    for (let id = 2; id <= 1_001; id++) backend.allBans.push({ ...first, id });
    expect((await run(["bans"], { cwd })).stdout.trimEnd().split("\n")).toHaveLength(1 + 1_001);
  });

  test("says that there are none", async () => {
    const { cwd } = await daemon();
    expect(await run(["bans"], { cwd })).toEqual({ status: 0, stdout: "No ban is active.\n", stderr: "" });
  });
});

describe("allow", () => {
  test.each([[["allow"]], [["allow", "--list"]]])("as %j lists who is never banned", async (argv) => {
    const { cwd } = await daemon();
    const { status, stdout } = await run(argv, { cwd });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^target +by +since +reason\n198\.51\.100\.1\/32 +person +the office\n$/);
  });

  test.each([[["allow", "--remove"]], [["allow", "--list", "192.0.2.8"]]])(
    "as %j is wrong usage",
    async (argv) => {
      const { cwd } = await daemon();
      expect(await run(argv, { cwd })).toMatchObject({ status: 2, stdout: "" });
    },
  );

  test("names the bans that it lifted", async () => {
    const { cwd } = await daemon();
    await run(["ban", "192.0.2.8"], { cwd });
    expect((await run(["allow", "192.0.2.8"], { cwd })).stdout).toBe(
      "192.0.2.8/32 will not be banned\nlifted the ban of 192.0.2.8/32\n",
    );
  });

  test("of everyone is told as that, with what takes it back", async () => {
    const { cwd } = await daemon();
    expect((await run(["allow", "192.0.2.8/0"], { cwd })).stdout).toBe(
      "0.0.0.0/0 (from 192.0.2.8/0) will not be banned\n" +
        "warning: that is everyone, so nobody is banned until: sekisho allow --remove 0.0.0.0/0\n",
    );
  });

  test("keeps a target from being banned, until it is removed", async () => {
    const { cwd, backend } = await daemon();
    const allowed = await run(["allow", "192.0.2.8", "192.0.2.9", "--reason", "office"], { cwd });
    expect(allowed).toMatchObject({ status: 0 });
    expect(backend.allowed.has(parseTarget("192.0.2.9")!)).toBe(true);
    expect(backend.allowed.get(parseTarget("192.0.2.8")!)).toBe("office");
    expect(await run(["ban", "192.0.2.8"], { cwd })).toMatchObject({ status: 1 });
    backend.allowed.set(parseTarget("192.0.2.0/24")!, "the network");
    expect((await run(["allow", "--remove", "192.0.2.8"], { cwd })).stdout).toBe(
      "192.0.2.8/32 is off the list, and still never banned: 192.0.2.0/24 is on it\n",
    );
    expect(backend.allowed.has(parseTarget("192.0.2.8")!)).toBe(false);
  });
});
