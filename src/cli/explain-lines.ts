import { resolve } from "node:path";
import { storedRanges } from "../crawlers/ranges.ts";
import { compileRules } from "../evaluate/compile-rule.ts";
import { CrawlerStates } from "../evaluate/crawler-states.ts";
import { Evaluator } from "../evaluate/evaluator.ts";
import type { LogEvent } from "../model/event.ts";
import { TargetSet } from "../model/ip.ts";
import { printable } from "../model/safe-text.ts";
import { toIso, type UnixMs } from "../model/time.ts";
import { createMixedParser } from "../parse/formats.ts";
import type { Setup } from "../setup.ts";
import { readLog, STANDARD_INPUT } from "../tail/read-log.ts";
import type { CliContext } from "./context.ts";
import { jsonText } from "./output.ts";
import { reportError } from "./report-error.ts";
import { unknownLine, unknownLog } from "./unknown-log.ts";

export interface ExplainOptions {
  readonly config?: string;
  readonly line?: string;
  readonly file?: string;
  readonly format?: string;
  readonly json?: boolean;
}

/** Says of each line how it is read, and which rules look at it. */
export async function explainLines(
  context: CliContext,
  setup: Setup,
  options: ExplainOptions,
): Promise<void> {
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
