import { Argument, Command, Option } from "commander";
import { describe, expect, test } from "vitest";
import { allowCommand } from "../../src/cli/allow.ts";
import { subcommand } from "../../src/cli/context.ts";
import { statusCommand } from "../../src/cli/status.ts";
import { unbanCommand } from "../../src/cli/unban.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { commandLine } from "./command-line.ts";

const run = (...argv: string[]) =>
  commandLine(argv, (context) => [statusCommand(context), unbanCommand(context), allowCommand(context)]);

const failing = (error: unknown) =>
  commandLine(["fail"], () => [
    new Command("fail").action(() => {
      throw error;
    }),
  ]);

describe("usage", () => {
  test.each([
    [["stauts"], "unknown command 'stauts'", "did you mean status?"],
    [["status", "--jsno"], "unknown option '--jsno'", "did you mean --json?"],
    [["unban"], "missing required argument 'target'", "sekisho unban --help"],
    [["status", "192.0.2.1"], "too many arguments for 'status'", "sekisho status --help"],
    [["status", "--config"], "--config needs a value: <file>", "sekisho status --help"],
    [["frob"], "unknown command 'frob'", "the commands are listed by: sekisho --help"],
    [["--frobnicate"], "unknown option '--frobnicate'", "sekisho --help"],
    [["--config", "site.yaml", "status"], "--config stands before the command", "sekisho COMMAND [options]"],
    [["-c=site.yaml", "status"], "-c stands before the command", "sekisho COMMAND [options]"],
    [["STATUS"], "unknown command 'STATUS'", "write: sekisho status\n"],
    [["unblock", "192.0.2.7"], "unknown command 'unblock'", "write: sekisho unban\n"],
    [["start"], "unknown command 'start'", "systemctl start sekisho; in a terminal: sekisho run\n"],
    [["-v"], "unknown option '-v'", "write: sekisho --version\n"],
    [["constructor"], "unknown command 'constructor'", "the commands are listed by: sekisho --help"],
    [["help", "stauts"], "there is no command 'stauts'", "sekisho --help"],
  ])("%j is status 2 with a hint", async (argv, message, hint) => {
    const { status, stdout, stderr } = await run(...argv);
    expect(status).toBe(2);
    expect(stderr).toContain(`sekisho: ${message}`);
    expect(stderr.split("\nhint: ")[1]).toContain(hint);
    if (argv[0] !== "help") expect(stdout).toBe("");
  });

  test("of a command within another names that one's help, and what an argument takes", async () => {
    const lift = new Command("lift").addArgument(new Argument("[how]").choices(["gently"])).action(() => {});
    const told = async (...argv: string[]) =>
      (await commandLine(argv, () => [new Command("gate").addCommand(lift)])).stderr;
    expect(await told("gate", "lift", "fast")).toBe(
      "sekisho: 'fast' is not what [how] takes. Allowed choices are gently.\n" +
        "hint: examples are in: sekisho gate lift --help\n",
    );
    const open = new Command("open").addOption(new Option("-h, --how <way>").choices(["wide", "ajar"]));
    expect((await commandLine(["open", "--how", "it's"], () => [open])).stderr).toContain(
      "'it's' is not what --how takes. Allowed choices are wide, ajar.\n",
    );
    expect(await told("gate", "lfit")).toContain(
      "did you mean lift? the commands are listed by: sekisho gate --help\n",
    );
  });

  test("without a command the help goes to standard error, and the status is 2", async () => {
    const { status, stdout, stderr } = await run();
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("First steps:");
  });

  test("help and version that were asked for are fine", async () => {
    expect(await run("--version")).toEqual({ status: 0, stdout: "1.2.3\n", stderr: "" });
    expect(await run("--help")).toMatchObject({ status: 0, stderr: "" });
    expect((await run("help", "status")).stdout).toBe((await run("status", "--help")).stdout);
  });

  test("the help lists every command with its summary", async () => {
    const { stdout } = await run("--help");
    expect(stdout).toMatch(/^ {2}status {3,}Show what/m);
    expect(stdout).toMatch(/^ {2}unban <target…> +Lift the bans/m);
    expect(stdout).toMatch(/^ {2}allow \[target…\] +Never ban/m);
  });

  test("help ends with examples and exit statuses", async () => {
    const about = {
      summary: "Does it.",
      description: "More.",
      examples: [["sekisho x", "does x"]],
      exits: [[0, "done"]],
    } as const;
    const { stdout } = await commandLine(["x", "--help"], () => [subcommand("x", about)]);
    expect(stdout).toMatch(
      /Does it\.\n\nMore\.[\s\S]*Examples:\n {2}sekisho x\n {6}does x\n\nExit status:\n {3}0 {2}done\n {2}70 {2}a fault of Sekisho's\n$/,
    );
  });
});

describe("errors", () => {
  test("are a message and a hint on standard error, with the status of their code", async () => {
    expect(await failing(new SekishoError("PORT_IN_USE", "7080 is in use", "set dashboard.listen"))).toEqual({
      status: 3,
      stdout: "",
      stderr: "sekisho: 7080 is in use\nhint: set dashboard.listen\n",
    });
    expect((await failing(new SekishoError("TARGET_PROTECTED", "m", "h"))).status).toBe(1);
    expect((await failing(new SekishoError("CONFIG_INVALID", "m", "h"))).status).toBe(2);
  });

  test("with several lines say so on each", async () => {
    const { stderr } = await failing(
      new SekishoError("CONFIG_INVALID", "a:1:1: x\na:2:1: y", "see the docs"),
    );
    expect(stderr).toBe("sekisho: a:1:1: x\nsekisho: a:2:1: y\nhint: see the docs\n");
  });

  test("never send control characters to the terminal", async () => {
    const { stderr } = await failing(
      new SekishoError("TARGET_INVALID", "'\x1b[2J' is not an address", "h\x07"),
    );
    expect(stderr).toBe("sekisho: '\\x1b[2J' is not an address\nhint: h\\x07\n");
  });

  test.each([new TypeError("x is not a function"), new SekishoError("INTERNAL", "x is not a function", "")])(
    "that nobody foresaw are status 70, with where and a request to report",
    async (error) => {
      const { status, stderr } = await failing(error);
      expect(status).toBe(70);
      expect(stderr).toMatch(/^sekisho: internal error: x is not a function\n {2}at .*\n/);
      expect(stderr).toMatch(/hint: .*please report it with the lines above\n$/);
    },
  );

  test("that are no errors are status 70 too", async () => {
    expect(await failing("just text")).toMatchObject({
      status: 70,
      stderr: expect.stringContaining("just text"),
    });
  });
});
