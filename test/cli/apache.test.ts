import { describe, expect, test } from "vitest";
import { apacheCommand } from "../../src/cli/apache.ts";
import { SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT } from "../../src/parse/named-formats.ts";
import { OPENING_MESSAGE } from "../../src/parse/opening.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/apache-snippet.ts";

const snippet = (config: string) =>
  commandLine(["apache", "snippet"], (context) => [apacheCommand(context)], {
    cwd: folderWith({ "sekisho.yaml": config }),
  });

describe("apache snippet", () => {
  test("has the paths of the configured enforcers, and of no other", async () => {
    const { status, stdout, stderr } = await snippet(
      "enforcers: { apache-directory: { directory: /run/x/banned } }",
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("-f '/run/x/banned/%{REMOTE_ADDR}'");
    expect(stdout).not.toContain("IncludeOptional");
  });

  test("has both with their defaults where none is configured", async () => {
    const { stdout } = await snippet("mode: observe");
    expect(stdout).toContain("-f '/run/sekisho/banned/%{REMOTE_ADDR}'");
    expect(stdout).toContain("IncludeOptional /var/lib/sekisho-apache/blocklist.conf");
    for (const format of [SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT])
      expect(stdout).toContain(`LogFormat "${format.replaceAll('"', '\\"')}" sekisho`);
    expect(stdout).toContain(`LogMessage "${OPENING_MESSAGE}" hook=fixups`);
  });
});
