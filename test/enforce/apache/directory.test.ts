import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { banFiles } from "../../../src/enforce/apache/ban-files.ts";
import { ApacheDirectory } from "../../../src/enforce/apache/directory.ts";
import { apacheSnippet } from "../../../src/enforce/apache/snippet.ts";
import { findWebUser, firstBlocking } from "../../../src/enforce/apache/web-user.ts";
import { SekishoError } from "../../../src/model/errors.ts";
import { startApache } from "../../apache.ts";
import { runs } from "../../property.ts";
import { missing } from "../../requirements.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { blocks } from "../blocks.ts";

const { signal } = new AbortController();

let root: string;
let directory: string;
beforeEach(() => {
  root = mkdtempSync("/tmp/sekisho-banned-");
  chmodSync(root, 0o755);
  directory = join(root, "banned");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("an address is one empty file in a directory that nobody else can list", async () => {
  await new ApacheDirectory({ directory }).reconcile(blocks("198.51.100.7", "2001:db8::/64"), false, signal);
  expect(readdirSync(directory).sort()).toEqual(["198.51.100.7", "2001:db8:0:0_64", "2001:db8::_64"]);
  expect(statSync(directory).mode & 0o777).toBe(0o711);
  expect(statSync(join(directory, "198.51.100.7")).size).toBe(0);
});

test("without verify only the difference is written, so what somebody removed stays away until the next full look", async () => {
  const enforcer = new ApacheDirectory({ directory });
  await enforcer.reconcile(blocks("198.51.100.7"), false, signal);
  rmSync(join(directory, "198.51.100.7"));
  await enforcer.reconcile(blocks("198.51.100.7", "198.51.100.8"), false, signal);
  expect(readdirSync(directory)).toEqual(["198.51.100.8"]);
  const { drift } = await enforcer.reconcile(blocks("198.51.100.7", "198.51.100.8"), true, signal);
  expect(drift).toBe(1);
  expect(readdirSync(directory).sort()).toEqual(["198.51.100.7", "198.51.100.8"]);
});

test("a directory that vanished is made again by a full look", async () => {
  const enforcer = new ApacheDirectory({ directory });
  await enforcer.reconcile(blocks("198.51.100.7"), false, signal);
  rmSync(directory, { recursive: true });
  const want = blocks("198.51.100.7", "198.51.100.8");
  await expect(enforcer.reconcile(want, false, signal)).rejects.toMatchObject({
    code: "BAN_DIRECTORY_UNWRITABLE",
  });
  await enforcer.reconcile(want, true, signal);
  expect(readdirSync(directory).sort()).toEqual(["198.51.100.7", "198.51.100.8"]);
});

test("what is not ours is never followed, overwritten or removed", async () => {
  const victim = join(root, "victim");
  writeFileSync(victim, "precious");
  mkdirSync(directory);
  symlinkSync(victim, join(directory, "198.51.100.7"));
  symlinkSync(join(root, "created-through-a-link"), join(directory, "198.51.100.8"));
  mkdirSync(join(directory, "198.51.100.9"));
  writeFileSync(join(directory, "notes.txt"), "mine");
  symlinkSync(victim, join(directory, "203.0.113.1"));
  // As a log that a syslog server keeps for each host, where the configuration names the wrong folder.
  for (const name of ["203.0.113.2", "198.51.100.11"]) writeFileSync(join(directory, name), "mine");
  const enforcer = new ApacheDirectory({ directory });
  await enforcer.probe(signal).catch(() => {});
  const banned = ["198.51.100.10", "198.51.100.11"];
  const want = blocks("198.51.100.7", "198.51.100.8", "198.51.100.9", ...banned);
  for (const verify of [true, false, true]) {
    const enforced = await enforcer.reconcile(want, verify, signal);
    expect(enforced.unenforced).toEqual(["198.51.100.7/32", "198.51.100.8/32", "198.51.100.9/32"]);
    expect(enforced.inForce).toEqual(new Set(["198.51.100.10/32", "198.51.100.11/32"]));
    expect(enforcer.note()).toMatch(/not empty .* stay: 203\.0\.113\.2$/);
  }
  for (const verify of [false, true]) await enforcer.reconcile([], verify, signal);
  expect(enforcer.note()).toMatch(/ stay: \S+ and 1 more$/);
  expect(await enforcer.blocked()).toEqual(new Set());
  expect(readFileSync(victim, "utf8")).toBe("precious");
  expect(existsSync(join(root, "created-through-a-link"))).toBe(false);
  const links = ["198.51.100.7", "198.51.100.8", "203.0.113.1"];
  const foreign = [...links, "198.51.100.9", "198.51.100.11", "203.0.113.2", "notes.txt"];
  expect(readdirSync(directory).sort()).toEqual(foreign.sort());
  expect(lstatSync(join(directory, "203.0.113.1")).isSymbolicLink()).toBe(true);
});

test("a prefix of which one spelling is missing does not count as blocked", async () => {
  const enforcer = new ApacheDirectory({ directory });
  await enforcer.reconcile(blocks("2001:db8::/64", "198.51.100.0/23"), false, signal);
  expect(await enforcer.blocked()).toEqual(new Set(["2001:db8::/64", "198.51.100.0/24", "198.51.101.0/24"]));
  rmSync(join(directory, "2001:db8::_64"));
  expect(await enforcer.blocked()).toEqual(new Set(["198.51.100.0/24", "198.51.101.0/24"]));
});

test("looking at a directory that is not there makes none", async () => {
  expect(await new ApacheDirectory({ directory }).blocked()).toEqual(new Set());
  expect(existsSync(directory)).toBe(false);
});

test("twenty thousand bans are written, found again and lifted, and other work gets its turn meanwhile", async () => {
  const want = blocks(
    ...Array.from({ length: 20_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`),
  );
  const enforcer = new ApacheDirectory({ directory });
  let turns = 0;
  const other = setInterval(() => turns++, 5);
  await enforcer.reconcile(want, true, signal);
  clearInterval(other);
  expect(turns).toBeGreaterThan(5);
  expect(readdirSync(directory)).toHaveLength(20_000);
  const again = await new ApacheDirectory({ directory }).reconcile(want, true, signal);
  expect(again.inForce.size).toBe(20_000);
  await enforcer.reconcile(want.slice(0, 1), false, signal);
  expect(readdirSync(directory)).toEqual(["10.0.0.0"]);
});

test("files are names of one file, and a new one is made when that was lifted", async () => {
  const enforcer = new ApacheDirectory({ directory });
  await enforcer.reconcile(blocks("198.51.100.7", "198.51.100.8"), true, signal);
  expect(statSync(join(directory, "198.51.100.8")).nlink).toBe(2);
  await enforcer.reconcile(blocks("198.51.100.8"), false, signal);
  await enforcer.reconcile(blocks("198.51.100.8", "198.51.100.9", "198.51.100.10"), false, signal);
  expect(readdirSync(directory).sort()).toEqual(["198.51.100.10", "198.51.100.8", "198.51.100.9"]);
  expect(await enforcer.blocked()).toEqual(
    new Set(["198.51.100.8/32", "198.51.100.9/32", "198.51.100.10/32"]),
  );
});

test.skipIf(missing("root"))("where there is no room for more bans, who is let in gets in", async () => {
  mkdirSync(directory);
  execFileSync("mount", ["-t", "tmpfs", "-o", "nr_inodes=5,mode=711", "sekisho-test", directory]);
  try {
    const enforcer = new ApacheDirectory({ directory });
    await enforcer.reconcile(blocks("198.51.100.7", "198.51.100.8", "203.0.113.1"), true, signal);
    const asked = blocks("198.51.100.8", "198.51.100.9", "198.51.100.10", "203.0.113.0/24");
    await expect(enforcer.reconcile(asked, false, signal)).rejects.toThrow("ENOSPC");
    // The last one waits for the range that is to take its place.
    const left = readdirSync(directory);
    expect(left).not.toContain("198.51.100.7");
    expect(left).toContain("198.51.100.8");
    expect(left).toContain("203.0.113.1");
    await enforcer.reconcile(blocks("203.0.113.0/24"), true, signal);
    expect(readdirSync(directory)).toEqual(["203.0.113.0_24"]);
  } finally {
    execFileSync("umount", ["--lazy", directory]);
  }
});

test.skipIf(missing("root", "apache2", "netns"))(
  "a hundred thousand bans and ranges are in force without a reload, and Apache serves the others",
  async () => {
    // In memory, as /run is, where the directory is by default.
    using folder = temporaryFolder("/dev/shm");
    chmodSync(folder.path, 0o755);
    const directory = join(folder.path, "banned");
    const logged = { logFormat: "%a", tlsLogFormat: "%a", openingMessage: "m" };
    await using apache = await startApache({
      config: () => apacheSnippet({ directory, includeFile: null, ...logged }),
    });
    const many = Array.from({ length: 99_998 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    const want = blocks(...many, "198.51.100.0/24", "2001:db8:1:2::/64");
    const enforcer = new ApacheDirectory({ directory });
    const enforced = await enforcer.reconcile(want, true, signal);
    expect([enforced.inForce.size, enforced.pending]).toEqual([100_000, false]);
    const status = async (from: string) => (await apache.request({ from, path: "/" })).status;
    const banned = [many[0]!, many.at(-1)!, "198.51.100.77", "2001:db8:1:2:3::4"];
    for (const from of banned) expect(await status(from), from).toBe(403);
    for (const from of ["10.1.134.158", "198.51.101.1", "2001:db8:1:3::1"])
      expect(await status(from), from).toBe(200);
    expect(apache.reloads()).toBe(0);
  },
);

test("stopping in the middle leaves what was written, and the next one completes it", async () => {
  const want = blocks(...Array.from({ length: 2_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`));
  const stop = new AbortController();
  const result = new ApacheDirectory({ directory }).reconcile(want, true, stop.signal);
  setImmediate(() => setImmediate(() => stop.abort()));
  await expect(result).rejects.toMatchObject({ name: "AbortError" });
  const written = readdirSync(directory).length;
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(2_000);
  const enforced = await new ApacheDirectory({ directory }).reconcile(want, true, signal);
  expect(enforced.inForce.size).toBe(2_000);
});

describe.skipIf(missing("root", "apache2"))("the probe, as Apache's user", () => {
  const probe = async (options: { directory: string; user?: string }): Promise<SekishoError | null> => {
    try {
      await new ApacheDirectory(options).probe(signal);
      return null;
    } catch (error) {
      if (error instanceof SekishoError) return error;
      throw error;
    }
  };

  test("accepts a directory that it can reach or that can be made, and leaves nothing behind", async () => {
    expect(await probe({ directory: join(directory, "deep", "down") })).toBeNull();
    expect(readdirSync(root)).toEqual([]);
    mkdirSync(directory);
    expect(await probe({ directory })).toBeNull();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("has nothing against folders that a cautious umask made", async () => {
    const deep = join(directory, "deep", "down");
    const previous = process.umask(0o077);
    try {
      await new ApacheDirectory({ directory: deep }).reconcile(blocks("198.51.100.7"), true, signal);
    } finally {
      process.umask(previous);
    }
    expect(await probe({ directory: deep })).toBeNull();
    expect(statSync(join(directory, "deep")).mode & 0o777).toBe(0o755);
  });

  test("names the first folder on the way that blocks, and what to do", async () => {
    const home = join(root, "root");
    mkdirSync(home, { mode: 0o700 });
    const error = (await probe({ directory: join(home, "sekisho", "data", "banned") }))!;
    expect(error.code).toBe("BAN_DIRECTORY_UNREACHABLE");
    expect(error.message).toContain(`'www-data' may not pass ${home}`);
    expect(error.message).not.toContain(`${home}/`.concat("sekisho'"));
    expect(error.hint).toContain("use enforcers.apache-directory.directory: /run/sekisho/banned");
  });

  test("the same for the directory itself, at mode 0700", async () => {
    mkdirSync(directory, { mode: 0o700 });
    expect((await probe({ directory }))!.message).toContain(`may not pass ${directory}`);
  });

  test("a folder that lets in a group of Apache's user does not block", async () => {
    const user = (await findWebUser("www-data"))!;
    mkdirSync(directory, { mode: 0o710 });
    expect(await firstBlocking(directory, user)).toBe(directory);
    expect(
      await firstBlocking(directory, { ...user, gids: [...user.gids, statSync(directory).gid] }),
    ).toBeNull();
  });

  test("an account that does not exist is an error, not a guess", async () => {
    const error = (await probe({ directory, user: "httpd-of-another-world" }))!;
    expect(error.code).toBe("BAN_DIRECTORY_UNREACHABLE");
    expect(error.hint).toContain("enforcers.apache-directory.user");
  });
});

test("ranges and addresses that share files come and go, and each file stays as long as one of them needs it", async () => {
  const texts = [
    ...[
      "198.51.100.0/23",
      "198.51.100.0/24",
      "198.51.101.0/24",
      "198.51.100.0/30",
      "198.51.100.1",
      "198.51.100.2",
    ],
    ...[
      "198.51.96.0/20",
      "198.51.0.0/16",
      "2001:db8::/63",
      "2001:db8::/64",
      "2001:db8:0:1::/64",
      "2001:db8::/47",
    ],
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.subarray(texts), { minLength: 2, maxLength: 6 }), async (history) => {
      const enforcer = new ApacheDirectory({ directory });
      for (const some of history) {
        const { inForce } = await enforcer.reconcile(blocks(...some), false, signal);
        const names = blocks(...some).flatMap(({ target }) => banFiles(target)!);
        expect(readdirSync(directory).sort()).toEqual([...new Set(names)].sort());
        expect([...inForce].sort()).toEqual(
          blocks(...some)
            .map(({ target }) => target)
            .sort(),
        );
      }
    }),
    { numRuns: runs(30) },
  );
});
