import { type Stats, statSync } from "node:fs";
import type { Daemon } from "../daemon.ts";
import { printable } from "../model/safe-text.ts";
import { detectFormat } from "../parse/formats.ts";
import type { Setup } from "../setup.ts";
import { logPattern, matchingFiles } from "../tail/log-pattern.ts";
import { checkLogs } from "./check-logs.ts";
import { linkLines } from "./dashboard-link.ts";

/** Nothing is written to a log for this long: a newcomer would wait for something to happen. */
const QUIET_MS = 600_000;

/**
 * What a person reads first: what is watched, whether it blocks, where to look and how to stop. `asked`: the demo was
 * asked for, and is not there for want of logs. `sekisho`: as it was called.
 */
export function greeting(
  setup: Setup,
  daemon: Pick<Daemon, "link">,
  demo: boolean,
  asked: boolean,
  sekisho: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const { config, file, mode } = setup;
  const lines: string[] = [];
  if (demo && !asked)
    lines.push(
      "No configuration, and no Apache logs in /var/log/apache2 or /var/log/httpd that can be read.",
    );
  if (demo) {
    lines.push(
      "Playing a bundled sample attack, with documentation addresses only. Its bans go to dry-run, which blocks nothing.",
    );
  } else {
    lines.push(
      file === null
        ? `No configuration: watching the Apache logs that were found. \`${sekisho} init\` makes one from Apache's own.`
        : `Configuration: ${file}`,
    );
    for (const { path, socket, kind } of config.logs) lines.push(`  ${kind.padEnd(6)} ${socket ?? path}`);
    if (config.logs.length === 0) lines.push("  It names no logs, so nothing is watched.");
    lines.push(
      mode === "observe"
        ? "Mode observe: bans are decided and shown, nothing is blocked."
        : `Mode enforce: bans are applied by ${Object.keys(config.enforcers).join(", ") || "nothing, as no enforcer is configured"}.`,
    );
    if (config.logs.length > 0 && areQuiet(config.logs.map(({ path }) => path))) {
      lines.push(`These logs are quiet. To see it at work: ${sekisho} run --demo`);
    }
  }
  // A log that cannot be read is no reason to leave the others unwatched, but somebody has to be told. Who asked for the
  // demo asked for none.
  const logProblems = demo && asked ? [] : checkLogs(setup, detectFormat).flatMap(({ error }) => error ?? []);
  for (const { message, hint } of [...setup.warnings, ...logProblems])
    lines.push(`Warning: ${message}`, `  hint: ${hint}`);
  lines.push("", ...linkLines(daemon.link(), env), "Stop with Ctrl-C.", "");
  return lines.map(printable).join("\n");
}

function areQuiet(paths: readonly string[]): boolean {
  return paths
    .flatMap((path) => matchingFiles(logPattern(path)))
    .every((file) => {
      const stat = statOf(file);
      return stat === undefined || stat.size === 0 || stat.mtimeMs < Date.now() - QUIET_MS;
    });
}

/** Undefined also where a folder is closed to us, which is told by itself. */
function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
