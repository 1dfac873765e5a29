import { describe, expect, test } from "vitest";
import { nearest } from "../../src/config/nearest.ts";

const KEYS = ["mode", "logs", "allowlist", "trustedProxies", "enforcers", "dashboard"];

describe("nearest", () => {
  test.each([
    ["mdoe", "mode"],
    ["allow_list", "allowlist"],
    ["allowlst", "allowlist"],
    ["trusted-proxies", "trustedProxies"],
    ["TrustedProxy", "trustedProxies"],
    ["log", "logs"],
    ["enforcer", "enforcers"],
  ])("%s was meant to be %s", (written, meant) => {
    expect(nearest(written, KEYS)).toBe(meant);
  });

  test.each(["xyz", "foo", "policy", ""])("'%s' is near to none", (written) => {
    expect(nearest(written, KEYS)).toBeNull();
  });

  test("a word is not suggested for itself", () => {
    expect(nearest("mode", ["mode"])).toBeNull();
  });

  test("of two candidates the nearer one wins, in whichever order", () => {
    expect(nearest("prefx", ["suffix", "prefix"])).toBe("prefix");
    expect(nearest("prefx", ["prefix", "suffix"])).toBe("prefix");
  });
});
