import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installCommand } from "../../src/cli/install.ts";
import { carryOut, removable } from "../../src/install/carry-out.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/install-steps.ts";

describe("install", () => {
  test.skipIf(process.getuid?.() === 0 && existsSync("/run/systemd/system"))(
    "says with its plan what would keep it from being carried out",
    async () => {
      const { status, stdout } = await commandLine(["install"], (context) => [
        installCommand(context, async () => []),
      ]);
      expect(status).toBe(0);
      expect(stdout).toMatch(
        /^- [\s\S]*\nNothing was changed\. --yes carries this out\.\n {3}but: .*; run .*\n$/,
      );
    },
  );

  test("of a unit that does not start says where the reason stands", () => {
    const step = { kind: "run", command: ["systemctl", "frobnicate"], why: "it runs" } as const;
    expect(() => carryOut(step, "/")).toThrow(
      expect.objectContaining({
        code: "INSTALL_FAILED",
        hint: expect.stringMatching(/^journalctl -u sekisho -n 20 may say why; /),
      }),
    );
  });
});

test("uninstall takes its own link away, and leaves one to a checkout", () => {
  using folder = temporaryFolder();
  const link = "/usr/local/bin/sekisho";
  const removed = (to: string): string[] => {
    const root = join(folder.path, String(to.length));
    mkdirSync(join(root, "usr/local/bin"), { recursive: true });
    mkdirSync(join(root, "opt/sekisho"), { recursive: true });
    symlinkSync(to, join(root, link));
    return removable([link, "/opt/sekisho", "/etc/sysusers.d/sekisho.conf"], root);
  };
  expect(removed("/opt/sekisho/bin/sekisho")).toEqual([link, "/opt/sekisho"]);
  expect(removed("/home/ann/sekisho/bin/sekisho")).toEqual(["/opt/sekisho"]);
});
