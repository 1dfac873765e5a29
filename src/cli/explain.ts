import { resolve } from "node:path";
import type { Command } from "commander";
import { storedRanges } from "../crawlers/ranges.ts";
import { compileRules } from "../evaluate/compile-rule.ts";
import { CrawlerStates } from "../evaluate/crawler-states.ts";
import { Evaluator } from "../evaluate/evaluator.ts";
import { SekishoError } from "../model/errors.ts";
import type { LogEvent } from "../model/event.ts";
import { TargetSet } from "../model/ip.ts";
import { toIso, type UnixMs } from "../model/time.ts";
import { createMixedParser } from "../parse/formats.ts";
import { loadSetup, type Setup } from "../setup.ts";
import { readLog, STANDARD_INPUT } from "../tail/read-log.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import { explainAddress } from "./explain-address.ts";
import { jsonText, printable } from "./output.ts";
import { unknownLine, unknownLog } from "./replay.ts";
import { reportError } from "./report-error.ts";

interface ExplainOptions {
  readonly config?: string;
  readonly line?: string;
  readonly file?: string;
  readonly format?: string;
  readonly json?: boolean;
}

export function explainCommand(context: CliContext): Command {
  return subcommand("explain", {
    summary: "Say what a line means, or all that is known of an address.",
    description:
      "Access, error and audit lines may be mixed in a file: what each is, is decided line by line.",
    examples: [
      [
        "sekisho explain 192.0.2.7",
        "its incidents with their rules, its bans, whether it is allowed, and latest events",
      ],
      ["sekisho explain 192.0.2.0/24", "the same of all that was seen in a range"],
      [
        `sekisho explain --line '192.0.2.7 - - [20/Nov/2026:12:00:00 +0000] "GET /x HTTP/1.1" 403 199'`,
        "how the line is read, and which rules look at it",
      ],
      ["sekisho explain --file access.log --json", "one JSON object a line"],
    ],
    exits: [
      [0, "explained"],
      [1, "nothing is known of the address"],
      [2, "wrong usage"],
      [3, "a file cannot be read"],
    ],
  })
    .argument("[address]", "an address or a CIDR range")
    .option(...CONFIG_OPTION)
    .option("--line <line>", "one line of a log")
    .option("--file <file>", "all lines of a file, also packed by gzip or zstd; - is standard input")
    .option("--format <format>", "the access log's format (default: found by the line)")
    .option("--json", "print JSON")
    .action((address: string | undefined, options: ExplainOptions) => explain(context, address, options));
}

async function explain(
  context: CliContext,
  address: string | undefined,
  options: ExplainOptions,
): Promise<void> {
  const asked = [address, options.line, options.file].filter((each) => each !== undefined);
  if (asked.length !== 1) {
    throw new SekishoError(
      "USAGE",
      "give one of: an address, --line, --file",
      "examples are in: sekisho explain --help",
    );
  }
  const setup = loadSetup({ file: options.config, cwd: context.cwd });
  if (address !== undefined) await explainAddress(context, setup, address, options.json === true);
  else await explainLines(context, setup, options);
}

async function explainLines(context: CliContext, setup: Setup, options: ExplainOptions): Promise<void> {
  const parser = createMixedParser(options.format ?? "auto", null, {
    trustedProxies: new TargetSet(setup.config.trustedProxies),
  });
  const crawlers = new CrawlerStates(storedRanges(setup.config.data));
  const site = { origins: new Set(setup.config.origins), crawlers };
  const evaluator = new Evaluator(compileRules(setup.rules, site));
  let number = 0;
  let isKnown = false;
  const explainOne = (text: string, cut: boolean): void => {
    number++;
    const event = parser.parse(text, 0, context.clock.now(), cut);
    const rules = evaluator.matching(event);
    isKnown ||= event.kind !== "unparsed";
    if (options.json === true)
      context.stdout(`${jsonText({ line: number, kind: event.kind, event: shownEvent(event), rules }, 0)}\n`);
    else context.stdout(lineText(number, event, rules));
  };
  if (options.line !== undefined) {
    // Logs are bytes: what the terminal gave as UTF-8 becomes one character a byte, as a file's lines are.
    explainOne(Buffer.from(options.line, "utf8").toString("latin1"), false);
    if (!isKnown) reportError(context, unknownLine(options.format ?? null));
    return;
  }
  const file = options.file === STANDARD_INPUT ? STANDARD_INPUT : resolve(context.cwd, options.file!);
  for await (const { lines, cut } of readLog(file)) {
    for (const [index, line] of lines.entries()) explainOne(line, cut.has(index));
  }
  if (number > 0 && !isKnown) reportError(context, unknownLog({ file, format: options.format ?? null }));
}

/** The event without what only the store needs. */
function shownEvent(event: LogEvent): Record<string, unknown> {
  const { kind: _kind, source: _source, line: _line, time, ...fields } = event;
  if (event.kind === "unparsed") return { reason: event.reason };
  return { time: toIso(time as UnixMs), ...fields };
}

function lineText(number: number, event: LogEvent, rules: readonly string[]): string {
  const fields = Object.entries(shownEvent(event)).filter(
    ([, value]) => value !== undefined && value !== null && value !== false,
  );
  const rows = fields.map(([name, value]) => `    ${name.padEnd(12)}${printable(String(value))}\n`);
  const matched = rules.length === 0 ? "no rule looks at it" : `rules: ${rules.join(", ")}`;
  return `line ${number}: ${event.kind}; ${matched}\n${rows.join("")}`;
}
