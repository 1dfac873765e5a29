import type { Command } from "commander";
import { SekishoError } from "../model/errors.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import type { ExplainOptions } from "./explain-lines.ts";

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
      [2, "wrong usage, configuration or rule"],
      [3, "a file or the database cannot be read"],
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
  const { loadSetup } = await import("../setup.ts");
  const setup = loadSetup({ file: options.config, cwd: context.cwd });
  if (address !== undefined) {
    const { explainAddress } = await import("./explain-address.ts");
    await explainAddress(context, setup, address, options.json === true);
  } else {
    const { explainLines } = await import("./explain-lines.ts");
    await explainLines(context, setup, options);
  }
}
