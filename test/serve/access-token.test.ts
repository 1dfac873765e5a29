import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { SekishoError } from "../../src/model/errors.ts";
import { ensureAccessToken, readAccessToken } from "../../src/serve/access-token.ts";
import { temporaryFolder } from "./running-server.ts";

const modeOf = (path: string): number => statSync(path).mode & 0o777;
const codeThrown = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as SekishoError).code;
  }
  return "nothing";
};

describe("the token file", () => {
  test("the first start makes a token of 32 random bytes that only its owner reads", () => {
    const data = temporaryFolder();
    const token = ensureAccessToken(data, undefined);
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect(modeOf(join(data, "token"))).toBe(0o600);
    expect(readFileSync(join(data, "token"), "utf8")).toBe(`${token}\n`);
  });

  test("a strict umask still leaves a file that the next start can read", () => {
    const data = temporaryFolder();
    const before = process.umask(0o777);
    try {
      ensureAccessToken(data, undefined);
    } finally {
      process.umask(before);
    }
    expect(modeOf(join(data, "token"))).toBe(0o600);
  });

  test("the next start finds the same token, and so does a client", () => {
    const data = temporaryFolder();
    const token = ensureAccessToken(data, undefined);
    expect(ensureAccessToken(data, "")).toBe(token);
    expect(readAccessToken(data, undefined)).toBe(token);
  });

  test("two data directories have different tokens", () => {
    expect(ensureAccessToken(temporaryFolder(), undefined)).not.toBe(
      ensureAccessToken(temporaryFolder(), undefined),
    );
  });

  test("a file that others can read is tightened, and its token kept", () => {
    const path = join(temporaryFolder(), "token");
    writeFileSync(path, "a-token-from-before\n");
    chmodSync(path, 0o644);
    expect(ensureAccessToken(join(path, ".."), undefined)).toBe("a-token-from-before");
    expect(modeOf(path)).toBe(0o600);
  });

  test("a client reads the token without changing the file", () => {
    const path = join(temporaryFolder(), "token");
    writeFileSync(path, "a-token-from-before\n");
    chmodSync(path, 0o640);
    expect(readAccessToken(join(path, ".."), undefined)).toBe("a-token-from-before");
    expect(modeOf(path)).toBe(0o640);
  });

  test("a symbolic link is refused, to a token as to nothing, and nothing is written through it", () => {
    const data = temporaryFolder();
    const elsewhere = join(temporaryFolder(), "elsewhere");
    symlinkSync(elsewhere, join(data, "token"));
    expect(codeThrown(() => ensureAccessToken(data, undefined))).toBe("DATA_DIRECTORY");
    expect(() => statSync(elsewhere)).toThrow();
    writeFileSync(elsewhere, "a-token-that-others-know\n");
    expect(codeThrown(() => ensureAccessToken(data, undefined))).toBe("DATA_DIRECTORY");
    expect(codeThrown(() => readAccessToken(data, undefined))).toBe("DATA_DIRECTORY");
  });

  test.each([
    ["a folder", (path: string) => mkdirSync(path)],
    ["a named pipe", (path: string) => execFileSync("mkfifo", [path])],
    ["text that is no token", (path: string) => writeFileSync(path, "two words\n")],
    ["a token that is too short", (path: string) => writeFileSync(path, "short\n")],
  ])("%s in its place is refused, not waited for", (_what, make) => {
    const data = temporaryFolder();
    make(join(data, "token"));
    expect(codeThrown(() => ensureAccessToken(data, undefined))).toBe("DATA_DIRECTORY");
  });

  test("an empty file, left by a crash, is replaced by a new token", () => {
    const data = temporaryFolder();
    writeFileSync(join(data, "token"), "");
    expect(readAccessToken(data, undefined)).toBeNull();
    expect(ensureAccessToken(data, undefined)).toHaveLength(43);
  });

  test("a missing data directory is an error, and for a client no token", () => {
    const nowhere = join(temporaryFolder(), "nowhere");
    expect(codeThrown(() => ensureAccessToken(nowhere, undefined))).toBe("DATA_DIRECTORY");
    expect(readAccessToken(nowhere, undefined)).toBeNull();
  });
});

describe("SEKISHO_TOKEN", () => {
  test("it wins over the file, and makes none", () => {
    const data = temporaryFolder();
    expect(ensureAccessToken(data, "from-the-environment")).toBe("from-the-environment");
    expect(() => statSync(join(data, "token"))).toThrow();
    writeFileSync(join(data, "token"), "from-the-file\n");
    expect(readAccessToken(data, "from-the-environment")).toBe("from-the-environment");
  });

  test.each(["short", "with a space", "with\nbreak", "größer-als-acht"])(
    "%j is refused as a token",
    (given) => {
      expect(codeThrown(() => ensureAccessToken(temporaryFolder(), given))).toBe("USAGE");
    },
  );
});
