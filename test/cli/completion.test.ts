import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { allCommands } from "../../src/cli/commands.ts";
import { completionCommand } from "../../src/cli/completion.ts";
import { completionScript } from "../../src/cli/completion-script.ts";
import type { CliContext } from "../../src/cli/context.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { commandLine } from "./command-line.ts";

const commands = await allCommands({} as CliContext);
const run = (program: string, ...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    env: { HOME: "/nowhere" },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
};

/** What is offered for the last word of each command line. */
const OFFERED: readonly (readonly [line: string, words: string])[] = [
  ["sekisho st", "status"],
  ["sekisho un", "unban uninstall"],
  ["sekisho --v", "--version"],
  ["sekisho ban --r", "--reason"],
  ["sekisho run --mode ", "enforce observe"],
  ["sekisho run -c site.yaml --m", "--mode"],
  ["sekisho apache ro", "rollback"],
  ["sekisho apache rollback --c", "--config"],
  ["sekisho breaker ", "reset"],
  ["sekisho completion ", "bash fish zsh"],
  ["sekisho init -w --fo", "--force"],
];

describe("completion", () => {
  test("in bash offers commands, options and what they take, and leaves files to bash", async () => {
    const asked = [...OFFERED, ["sekisho replay acc", ""], ["sekisho run --config si", ""]] as const;
    const lines = asked.map(([line]) => {
      const words = line.split(" ").map((word) => `'${word}'`);
      return `COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _sekisho; echo "\${COMPREPLY[*]}"`;
    });
    const text = completionScript("bash", commands);
    expect(text).toContain("complete -o default -F _sekisho sekisho");
    const offered = run("bash", "--norc", "-c", `${text}\n${lines.join("\n")}`);
    const sorted = (words: string): string => words.split(" ").sort().join(" ");
    expect(offered.slice(0, -1).split("\n").map(sorted)).toEqual(asked.map(([, words]) => words));
  });

  test("is the same in zsh and fish, which take the script", async () => {
    using folder = temporaryFolder();
    for (const shell of ["zsh", "fish"] as const) {
      const text = completionScript(shell, commands);
      const file = join(folder.path, shell);
      writeFileSync(file, text);
      for (const name of commands.map((command) => command.name())) expect(text).toContain(name);
      if (existsSync(`/usr/bin/${shell}`)) run(shell, "-n", file);
    }
    if (!existsSync("/usr/bin/fish")) return;
    for (const [line, words] of OFFERED) {
      const offered = run("fish", "--no-config", "-c", `source ${folder.path}/fish; complete -C '${line}'`);
      expect(offered.replace(/\t.*$/gm, "").trimEnd().split("\n").sort().join(" ")).toBe(words);
    }
  });

  test("is printed by the command, and of a shell that is none of them is wrong usage", async () => {
    const asked = (shell: string) =>
      commandLine(["completion", shell], (context) => [
        completionCommand(context, () => allCommands(context)),
      ]);
    expect((await asked("bash")).stdout).toBe(completionScript("bash", commands));
    const { status, stderr } = await asked("csh");
    expect(status).toBe(2);
    expect(stderr).toContain("bash, zsh, fish");
  });
});
