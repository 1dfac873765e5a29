import { type Argument, Command, CommanderError } from "commander";
import { SekishoError } from "../model/errors.ts";
import type { CliContext } from "./context.ts";
import { ELSEWHERE } from "./elsewhere.ts";
import { reportError } from "./report-error.ts";

const ABOUT =
  "Sekisho reads what Apache and your apps log, decides who is attacking, and has Apache refuse them, " +
  "while you can see, understand and undo everything.";

const FIRST_STEPS = `
First steps:
  sekisho run
      watch Apache's logs and decide without blocking; open the printed link
  sekisho init
      see what Apache's configuration says, and make Sekisho's from it
  sekisho check
      see what would run, and what is in the way of it
  sekisho replay /var/log/apache2/access.log
      see what yesterday's log would have led to
  sekisho status
      see what the running daemon is doing
  sekisho unban 192.0.2.7
      let an address in again, at once
  sekisho panic
      let everybody in, when something is badly wrong

Exit status of every command:
   0  fine
   1  the command ran and the answer is no
   2  wrong usage, configuration or rule
   3  the environment: a permission, a missing program, an unreadable file
  70  a fault of Sekisho's

Each command explains itself: sekisho COMMAND --help`;

/** `sekisho` with its subcommands, as they are listed in its help. */
function createProgram(context: CliContext, commands: readonly Command[]): Command {
  const program = new Command("sekisho")
    .description(ABOUT)
    .version(context.version, "-V, --version", "show the version")
    .helpOption("-h, --help", "show this help")
    .addHelpText("after", FIRST_STEPS);
  for (const command of commands) program.addCommand(command);
  for (const command of withSubcommands(program)) {
    const last = command.commands.at(-1);
    if (last !== undefined) command.addHelpCommand(helpCommand().helpGroup(last.helpGroup()));
    command
      .configureHelp({ subcommandTerm })
      .exitOverride()
      .showSuggestionAfterError(true)
      .configureOutput({ writeOut: context.stdout, writeErr: context.stderr, outputError: () => {} });
  }
  return program;
}

const helpCommand = (): Command =>
  new Command("help").argument("[command]").summary("show how a command is used").helpOption(false);

/** Runs one command line and answers its exit status. Every error ends here as a message and a hint. */
export async function runCli(
  argv: readonly string[],
  context: CliContext,
  commands: readonly Command[],
): Promise<number> {
  const program = createProgram(context, commands);
  try {
    await program.parseAsync(argv, { from: "user" });
    return context.exitStatus;
  } catch (error) {
    const told = error instanceof CommanderError ? usageError(error, argv, commands) : error;
    return told === null ? 0 : reportError(context, told);
  }
}

/** Null for what is no error: help and version were asked for and printed. */
function usageError(
  error: CommanderError,
  argv: readonly string[],
  commands: readonly Command[],
): SekishoError | null {
  if (error.exitCode === 0) return null;
  const used = commands.find((command) => command.name() === argv[0]);
  const within = used?.commands.find((command) => command.name() === argv[1]);
  const help = ["sekisho", ...[used, within].flatMap((command) => command?.name() ?? []), "--help"].join(" ");
  if (error.code === "commander.help") {
    const message = argv[0] === "help" ? `there is no command '${argv[1]}'` : "no command was given";
    return new SekishoError("USAGE", message, "the commands are listed by: sekisho --help");
  }
  const [option = ""] = argv[0]?.split("=") ?? [];
  if (error.code === "commander.unknownOption" && used === undefined && commands.some(takes(option))) {
    return new SekishoError(
      "USAGE",
      `${option} stands before the command`,
      "write the command first: sekisho COMMAND [options]; the commands are listed by: sekisho --help",
    );
  }
  const [said = "", suggestion = ""] = error.message.replace(/^error: /, "").split("\n(Did you mean ");
  const nearest = suggestion === "" ? "" : `did you mean ${suggestion.replace(/\?\)$/, "")}? `;
  const message = said
    .replace(/^command-argument value ('.*') is invalid for argument '(.*)'\./s, "$1 is not what [$2] takes.")
    .replace(/^option '.*?(--[\w-]+)[^']*' argument ('.*') is invalid\./s, "$2 is not what $1 takes.")
    .replace(/^option '.*?(--[\w-]+) (.*)' argument missing$/, "$1 needs a value: $2");
  const listed = error.code === "commander.unknownCommand" ? "the commands are listed by" : "examples are in";
  const here = used === undefined ? hereOf(argv[0] ?? "", commands) : null;
  return new SekishoError("USAGE", message, here ?? `${nearest}${listed}: ${help}`);
}

/** What leads to the same here, of a command in capitals or of another program's. */
function hereOf(name: string, commands: readonly Command[]): string | null {
  const plain = name.toLowerCase();
  if (commands.some((command) => command.name() === plain)) return `write: sekisho ${plain}`;
  return ELSEWHERE.get(plain) ?? null;
}

/** Whether a command has this option: it was then only put in the wrong place. */
const takes =
  (option: string) =>
  ({ options }: Command): boolean =>
    options.some(({ short, long }) => option === short || option === long);

const subcommandTerm = (command: Command): string =>
  [command.name(), ...command.registeredArguments.map(argumentTerm)].join(" ");

const argumentTerm = (argument: Argument): string => {
  const dots = argument.variadic ? "…" : "";
  return argument.required ? `<${argument.name()}${dots}>` : `[${argument.name()}${dots}]`;
};

function* withSubcommands(command: Command): Iterable<Command> {
  yield command;
  for (const child of command.commands) yield* withSubcommands(child);
}
