import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configSchema } from "../../src/config/schema.ts";
import { Protected } from "../../src/decide/protected.ts";
import { replay } from "../../src/replay/replay.ts";
import type { Verdict } from "../../src/replay/verdict.ts";
import { readRuleSet } from "../../src/setup.ts";
import { ORIGIN } from "./site.ts";
import { benignWeek } from "./week.ts";

export interface Judged {
  readonly lines: number;
  readonly verdict: Verdict;
  /** Each ban with who it hits and why. */
  readonly bans: readonly string[];
}

/** A week without attacks before the shipped rules and the default policy. */
export async function judgeWeek(size: number, seed: number, days = 7): Promise<Judged> {
  const folder = mkdtempSync(join(tmpdir(), "sekisho-benign-"));
  try {
    const { access, error, whois } = benignWeek(size, seed, days);
    const files = [join(folder, "access.log"), join(folder, "error.log")] as const;
    writeFileSync(files[0], `${access.join("\n")}\n`);
    writeFileSync(files[1], `${error.join("\n")}\n`);
    const { verdict, events } = await replay({
      files,
      rules: readRuleSet(join(import.meta.dirname, "../../rules"), null, [ORIGIN]).rules,
      origins: [ORIGIN],
      policy: configSchema.parse({}).policy,
      protectedTargets: Protected.nobody,
      format: null,
      timezone: "UTC",
      trustedProxies: [],
      onProgress: () => {},
    });
    if (events.unparsed > 0) throw new Error(`${events.unparsed} lines did not parse`);
    const bans = verdict.decisions.map(({ target, reason, rule }) => {
      const [address] = target.split("/") as [string];
      const who = [...whois].find(
        ([each]) => each === address || each.startsWith(address.replace(/::$/, ":")),
      );
      return `${rule}: ${who?.[1] ?? target}: ${reason}`;
    });
    return { lines: access.length + error.length, verdict, bans };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
