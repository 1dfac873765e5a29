import { Argument, type Command } from "commander";
import { completionScript, SHELLS, type Shell } from "./completion-script.ts";
import { type CliContext, subcommand } from "./context.ts";

/** `all`: the commands of the help. */
export const completionCommand = (context: CliContext, all: () => Promise<readonly Command[]>): Command =>
  subcommand("completion", {
    summary: "Print what makes a shell complete commands and options.",
    description: "`sekisho install` puts it where bash, zsh and fish look for it.",
    examples: [
      ["source <(sekisho completion bash)", "for this shell; put it into ~/.bashrc for each"],
      ["source <(sekisho completion zsh)", "the same for zsh; in ~/.zshrc it stands below compinit"],
      ["sekisho completion fish > ~/.config/fish/completions/sekisho.fish", "for fish"],
    ],
    exits: [
      [0, "printed"],
      [2, "wrong usage"],
    ],
  })
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .action(async (shell: Shell) => {
      context.stdout(completionScript(shell, await all()));
    });
