import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { Protected } from "../../src/decide/protected.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { replay } from "../../src/replay/replay.ts";
import { readRuleSet } from "../../src/setup.ts";
import { temporaryFolder } from "../temporary-folder.ts";

/** The site whose logs lines.ts writes. */
export const ORIGINS = ["https://chat.example"];
/** A ban's length, whatever came before. */
export const LONGEST_BAN = 3_600_000 as DurationMs;

const RULES = readRuleSet(join(import.meta.dirname, "../../rules"), null, ORIGINS).rules;

/** What the shipped rules and the policy make of the lines of a log, of which none may be unparsed. */
export async function judged(lines: readonly string[]) {
  using folder = temporaryFolder();
  const file = join(folder.path, "log");
  writeFileSync(file, `${lines.join("\n")}\n`);
  const {
    verdict: { findings, decisions },
    events,
  } = await replay({
    files: [file],
    rules: RULES,
    origins: ORIGINS,
    policy: { ban: LONGEST_BAN, factor: 2, max: LONGEST_BAN, memory: LONGEST_BAN },
    protectedTargets: Protected.nobody,
    format: null,
    timezone: "UTC",
    trustedProxies: [],
    onProgress: () => {},
  });
  expect(events.unparsed).toBe(0);
  return { rules: findings.map(({ rule }) => rule), findings, decisions };
}
