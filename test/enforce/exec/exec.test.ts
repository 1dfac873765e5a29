import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Exec } from "../../../src/enforce/exec/exec.ts";
import type { Block } from "../../../src/model/decision.ts";
import type { SekishoError } from "../../../src/model/errors.ts";
import { unixMs } from "../../../src/model/time.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { block } from "../blocks.ts";
import { failure } from "../failure.ts";

const { signal } = new AbortController();
const END = unixMs(Date.UTC(2026, 10, 21, 15));
const NONE: readonly Block[] = [];

/** A shell script as the administrator's program, which keeps each thing it is given. */
function program(folder: string, script = "") {
  const path = join(folder, "block");
  const given = join(folder, "given");
  writeFileSync(path, `#!/bin/sh\ncat >> ${given}\n${script}\n`, { mode: 0o755 });
  const stateFile = join(folder, "data", "exec.state");
  return {
    path,
    stateFile,
    exec: (timeoutMs = 10_000) => new Exec({ command: [path], timeoutMs, stateFile }),
    change: (next: string) => writeFileSync(path, `#!/bin/sh\ncat >> ${given}\n${next}\n`),
    given: () =>
      (existsSync(given) ? readFileSync(given, "utf8") : "")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
  };
}

describe("what the program is given", () => {
  test("the whole wanted set, and what is new and gone since it last succeeded", async () => {
    using folder = temporaryFolder();
    const { exec, given } = program(folder.path);
    const enforcer = exec();
    await enforcer.reconcile([block("192.0.2.7"), block("2001:db8::/64", END)], false, signal);
    await enforcer.reconcile([block("192.0.2.7", END), block("198.51.100.0/24")], false, signal);
    const until = "2026-11-21T15:00:00.000Z";
    const first = [
      { target: "192.0.2.7/32", until: null },
      { target: "2001:db8::/64", until },
    ];
    const second = [
      { target: "192.0.2.7/32", until },
      { target: "198.51.100.0/24", until: null },
    ];
    expect(given()).toEqual([
      { version: 1, want: first, add: first, remove: [] },
      { version: 1, want: second, add: second, remove: ["2001:db8::/64"] },
    ]);
  });

  test("nothing when nothing changed, and the whole set when it is verified", async () => {
    using folder = temporaryFolder();
    const { exec, given } = program(folder.path);
    const enforcer = exec();
    await enforcer.reconcile([block("192.0.2.7")], false, signal);
    await enforcer.reconcile([block("192.0.2.7")], false, signal);
    expect(given()).toHaveLength(1);
    await enforcer.reconcile([block("192.0.2.7")], true, signal);
    const [, verification] = given();
    expect(verification).toMatchObject({ want: [{ target: "192.0.2.7/32" }], add: [], remove: [] });
  });

  test("after a restart everything anew, and what it still has to lift", async () => {
    using folder = temporaryFolder();
    const { exec, given } = program(folder.path);
    await exec().reconcile([block("192.0.2.7"), block("192.0.2.8")], false, signal);
    const restarted = exec();
    expect(await restarted.blocked()).toEqual(new Set(["192.0.2.7/32", "192.0.2.8/32"]));
    await restarted.reconcile([block("192.0.2.8")], true, signal);
    expect(given().at(-1)).toMatchObject({ add: [{ target: "192.0.2.8/32" }], remove: ["192.0.2.7/32"] });
  });

  test("after a failure everything anew, with what the failed run may have blocked to lift", async () => {
    using folder = temporaryFolder();
    const { exec, given, change } = program(folder.path);
    const enforcer = exec();
    await enforcer.reconcile([block("192.0.2.7")], false, signal);
    change("exit 1");
    await failure(enforcer.reconcile([block("192.0.2.7"), block("192.0.2.8")], false, signal));
    change("");
    await enforcer.reconcile([block("192.0.2.7")], true, signal);
    expect(given().at(-1)).toMatchObject({ add: [{ target: "192.0.2.7/32" }], remove: ["192.0.2.8/32"] });
  });

  test("a hundred thousand bans, also when it does not read them", async () => {
    using folder = temporaryFolder();
    const { exec, given, path } = program(folder.path);
    const many = Array.from({ length: 100_000 }, (_, n) =>
      block(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`),
    );
    const enforcer = exec(50_000);
    expect((await enforcer.reconcile(many, false, signal)).inForce.size).toBe(100_000);
    expect(given()[0].want).toHaveLength(100_000);
    writeFileSync(path, "#!/bin/sh\nexit 0\n");
    expect((await enforcer.reconcile(NONE, false, signal)).inForce.size).toBe(0);
    expect(existsSync(join(folder.path, "data", "exec.state"))).toBe(false);
  });
});

test("the program gets none of Sekisho's secrets", async () => {
  using folder = temporaryFolder();
  const { exec } = program(folder.path, `env > ${folder.path}/env`);
  process.env.SEKISHO_TOKEN = "a-secret";
  try {
    await exec().reconcile([block("192.0.2.7")], false, signal);
  } finally {
    delete process.env.SEKISHO_TOKEN;
  }
  const env = readFileSync(join(folder.path, "env"), "utf8");
  expect(env).toContain("LC_ALL=C");
  expect(env).not.toContain("a-secret");
});

/** What is told of a program that was killed for its time, given so much of it that it had begun: on a busy machine that takes a while. */
async function killed(
  exec: (timeoutMs: number) => Exec,
  hadBegun: (error: Error) => boolean,
): Promise<SekishoError> {
  for (let length = 500; ; length *= 4) {
    const error = await failure(exec(length).reconcile([block("192.0.2.7")], false, signal));
    if (hadBegun(error) || length > 10_000) return error;
  }
}

describe("what the program answers", () => {
  test("what it says it cannot carry is unenforced, whatever else it prints", async () => {
    using folder = temporaryFolder();
    const { exec, change } = program(
      folder.path,
      `echo '{"unenforced": ["192.0.2.0/24", 7, "x", "1.2.3.4"]}'`,
    );
    const want = [block("192.0.2.0/24"), block("192.0.2.7")];
    const enforcer = exec();
    expect(await enforcer.reconcile(want, false, signal)).toMatchObject({
      inForce: new Set(["192.0.2.7/32"]),
      unenforced: ["192.0.2.0/24"],
    });
    for (const said of ["echo blocked 2", "echo '[1]'", "echo null", `echo '{"unenforced": 7}'`]) {
      change(said);
      expect((await enforcer.reconcile(want, true, signal)).unenforced).toEqual([]);
    }
  });

  test("a status other than 0 fails with the last line of its complaint, as printable text", async () => {
    using folder = temporaryFolder();
    const { exec } = program(folder.path, `printf 'first\\n\\033[31mno \\007route\\n' >&2; exit 3`);
    const error = await failure(exec().reconcile([block("192.0.2.7")], false, signal));
    expect(error.code).toBe("EXEC_FAILED");
    expect(error.message).toMatch(/block ended with status 3: \[31mno {2}route$/);
  });

  test("one that never ends is killed, with what it started", async () => {
    using folder = temporaryFolder();
    const { exec } = program(
      folder.path,
      `sleep 1000 & echo $! > ${folder.path}/new; mv ${folder.path}/new ${folder.path}/child; wait`,
    );
    const file = join(folder.path, "child");
    const error = await killed(exec, () => existsSync(file));
    expect(error).toMatchObject({ code: "EXEC_FAILED" });
    expect(error.message).toMatch(/did not end within [\d.]+ s/);
    const child = Number(readFileSync(file, "utf8"));
    // A zombie that init has not reaped yet has no command line.
    const left = existsSync(`/proc/${child}`) ? readFileSync(`/proc/${child}/cmdline`, "utf8") : "";
    expect(left).toBe("");
  });

  test("endless output neither fills memory nor the message", async () => {
    using folder = temporaryFolder();
    const { exec } = program(folder.path, "yes >&2 & exec yes");
    const error = await killed(exec, ({ message }) => message.endsWith(": y"));
    expect(error.message).toMatch(/was killed: y$/);
  });

  test("its end cut off in mid-command stops it", async () => {
    using folder = temporaryFolder();
    const { exec } = program(folder.path, "sleep 1000");
    const ending = new AbortController();
    const work = exec().reconcile([block("192.0.2.7")], false, ending.signal);
    setTimeout(() => ending.abort(), 200);
    await expect(work).rejects.toThrow();
  });
});

describe("which program is run", () => {
  test("one that is there and that only root and ourselves may change", async () => {
    using folder = temporaryFolder();
    const { exec } = program(folder.path);
    await expect(exec().probe()).resolves.toBeUndefined();
  });

  test.for(["/nowhere/block", "block", "./block"])(
    "not %s, which is not there or not absolute",
    async (path) => {
      using folder = temporaryFolder();
      const { stateFile } = program(folder.path);
      const enforcer = new Exec({ command: [path], timeoutMs: 1_000, stateFile });
      expect(await failure(enforcer.probe())).toMatchObject({ code: "EXEC_MISSING" });
    },
  );

  test("not one without permission to run it", async () => {
    using folder = temporaryFolder();
    const { exec, path } = program(folder.path);
    chmodSync(path, 0o644);
    expect(await failure(exec().probe())).toMatchObject({ code: "EXEC_MISSING" });
    expect(await failure(exec().reconcile([block("192.0.2.7")], false, signal))).toMatchObject({
      code: "EXEC_MISSING",
    });
  });

  test("not one that everybody may write to, nor one in such a folder, nor such a script behind its interpreter", async () => {
    using folder = temporaryFolder();
    const { exec, path, stateFile } = program(folder.path);
    const unsafe = async (enforcer: Exec, named: string) => {
      const error = await failure(enforcer.probe());
      expect(error.code).toBe("EXEC_UNSAFE");
      expect(error.hint).toContain(named);
      // Nor to lift what it holds, for which nothing is probed.
      expect((await failure(enforcer.reconcile([], true, signal))).code).toBe("EXEC_UNSAFE");
    };
    chmodSync(path, 0o757);
    await unsafe(exec(), path);
    await unsafe(new Exec({ command: ["/bin/sh", path], timeoutMs: 1_000, stateFile }), path);
    chmodSync(path, 0o755);
    const open = join(folder.path, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    const inside = program(open);
    await unsafe(inside.exec(), open);
    chmodSync(open, 0o1777);
    await expect(inside.exec().probe()).resolves.toBeUndefined();
  });
});
