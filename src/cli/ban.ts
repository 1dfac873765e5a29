import type { Command } from "commander";
import type { BanAnswer, EnforcerStatus, Status } from "../model/api.ts";
import { SekishoError } from "../model/errors.ts";
import { isIpv4, prefixOf, type Target } from "../model/ip.ts";
import { printable } from "../model/safe-text.ts";
import { formatDuration } from "../model/time.ts";
import { connectToDaemon, type DaemonClient } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { moment, span } from "./output.ts";
import { readLength, readTarget, shownTarget } from "./target.ts";
import { withEach } from "./with-each.ts";

interface BanOptions {
  readonly for?: string;
  readonly reason: string;
  readonly wide?: boolean;
  readonly config?: string;
}

export const banCommand = (context: CliContext): Command =>
  subcommand("ban", {
    summary: "Ban addresses or ranges.",
    description:
      "A bare address means itself; a bare IPv6 address means its /64, since a client owns at least that much. " +
      "The running daemon records the ban and has every enforcer apply it at once. In observe mode it is only recorded.",
    examples: [
      ["sekisho ban 192.0.2.7", "for the length that the policy gives a first ban, or a repeat"],
      ['sekisho ban 192.0.2.0/24 --for 2w --reason "scanner"', "a range, for two weeks"],
      ["sekisho ban 2001:db8::1 --for permanent", "the client's /64, until somebody unbans it"],
    ],
    exits: [
      [0, "banned"],
      [
        1,
        "one is refused, the others are banned: it is allowlisted, a trusted proxy or the host's own; or one is wide without --wide, and none is banned",
      ],
      [2, "a target, the length or the configuration cannot be read"],
      NO_DAEMON,
    ],
  })
    .argument("<target...>", "addresses or CIDR ranges")
    .option("-f, --for <length>", "how long: a number and s, m, h, d or w, or permanent")
    .option("-r, --reason <text>", "why, for whoever looks later", "banned from the command line")
    .option("--wide", "ban also a range wider than a /8 (IPv4) or a /16 (IPv6)")
    .option(...CONFIG_OPTION)
    .action(async (texts: readonly string[], options: BanOptions) => {
      const asked = texts.map((text) => ({ text, target: readTarget(text) }));
      if (options.wide !== true) for (const { target } of asked) refuseWide(target);
      const length = options.for === undefined ? null : formatDuration(readLength(options.for));
      const daemon = await connectToDaemon(context, options.config);
      await withEach(context, asked, (each) => ban(context, daemon, each, { ...options, length }));
    });

async function ban(
  context: CliContext,
  daemon: DaemonClient,
  { target, text }: { readonly target: Target; readonly text: string },
  options: { readonly length: string | null; readonly reason: string },
): Promise<void> {
  const { length } = options;
  const ban = (await daemon.request("POST", "/api/bans", {
    target,
    ...(length === null ? {} : { for: length }),
    reason: options.reason,
  })) as BanAnswer;
  const status = (await daemon.request("GET", "/api/status")) as Status;
  const until = untilText(ban.until, context.clock.now());
  const told = `banned ${shownTarget(target, text)} ${until}${howEnforced(ban, status)}`;
  context.stdout(`${printable(told)}\n`);
  const { replaced } = ban;
  if (replaced !== null && endOf(replaced) > endOf(ban)) {
    context.stdout(
      `this took the place of a longer ban, ${printable(untilText(replaced.until, context.clock.now()))}\n`,
    );
  }
}

/** Nobody is given so much, and a digit that was forgotten (/2 for /24) bans half the world. */
function refuseWide(target: Target): void {
  const { address, bits } = prefixOf(target);
  if (bits >= (isIpv4(address) ? 8 : 16)) return;
  const part = bits === 0 ? "all" : `one of ${(2 ** bits).toLocaleString("en")} parts`;
  throw new SekishoError(
    "TARGET_WIDE",
    `${target} is ${part} of the ${isIpv4(address) ? "IPv4" : "IPv6"} internet`,
    "write the length that you meant, as in 192.0.2.0/24; if it is meant, add --wide",
  );
}

const endOf = ({ until }: Pick<BanAnswer, "until">): number =>
  until === null ? Infinity : Date.parse(until);

/** What keeps the ban from being in force; nothing where an enforcer has it. */
function howEnforced(ban: BanAnswer, { mode, enforcers, halts }: Status): string {
  if (halts.some(({ name }) => name === "panic"))
    return ": recorded, not enforced before: sekisho panic --end";
  if (mode === "observe") return ": recorded, not enforced (observe mode)";
  if (ban.enforcedBy.some((name) => name !== "dry-run")) return "";
  if (ban.waiting.length > 0) {
    const takers = ban.waiting.map(({ enforcer, at }) => {
      const note = enforcers.find(({ name }) => name === enforcer)?.note ?? null;
      if (note !== null) return `${enforcer}: ${note}`;
      return `${enforcer} takes it with its reload${at === null ? "" : ` at ${moment(at)}`}`;
    });
    return `; not in force yet: ${takers.join(", ")}`;
  }
  if (enforcers.length === 0) return "; not in force: no enforcer is configured";
  return `; not in force: ${enforcers.map((each) => whyNot(ban, each)).join("; ")}`;
}

function whyNot(ban: BanAnswer, { name, error, unenforced, nextApplyAt }: EnforcerStatus): string {
  if (name === "dry-run") return "dry-run blocks nobody";
  if (error !== null) return `${name} failed: ${error}`;
  if (unenforced.includes(ban.target)) return `${name} cannot carry it`;
  if (nextApplyAt !== null && ban.until !== null)
    return `it ends before ${name} could lift it on its schedule`;
  return `${name} does not have it; see sekisho status`;
}

function untilText(until: string | null, now: number): string {
  if (until === null) return "until somebody unbans it";
  const left = Date.parse(until) - now;
  return `until ${until.replace("T", " ").replace(/\.\d+Z$|Z$/, " UTC")} (${span(left)} from now)`;
}
