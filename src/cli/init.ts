import type { Command } from "commander";
import { type CliContext, subcommand } from "./context.ts";
import type { InitOptions } from "./init-steps.ts";

export const initCommand = (context: CliContext): Command =>
  subcommand("init", {
    summary: "Read Apache's configuration and make Sekisho's from it.",
    description:
      "Finds the logs with their formats, the vhosts, the trusted proxies and the places where WebSockets are passed on, " +
      "says what each comes from, and shows the configuration that this leads to. It writes nothing until --write, and " +
      "runs nothing of Apache's. Run it as root to see all of Apache's configuration.",
    examples: [
      ["sudo sekisho init", "see what is found, and what would be written"],
      ["sudo sekisho init --write", "write it: to the file that `sekisho run` reads"],
      ["sekisho init --write ./sekisho.yaml", "write it to a file of yours"],
      ["sekisho init --apache-config /opt/apache/conf/httpd.conf", "an Apache in another place"],
      ["sudo sekisho init --write --force", "bring it up to date: hand edits stay, see docs/cli.md"],
      [
        "sekisho init --root /var/lib/machines/web --write ./web.yaml",
        "the Apache in a container's file tree; the file must be named then",
      ],
    ],
    exits: [
      [0, "shown, or written"],
      [1, "not written: the file is there already, or no log can be read"],
      [2, "wrong usage, or the file that is there is not a configuration that can be changed"],
      [3, "no Apache was found, its main file cannot be read, or the file cannot be written"],
    ],
  })
    .option("--apache-config <file>", "Apache's main file (default: where Debian and RHEL have it)")
    .option(
      "--root <dir>",
      "where the file tree is that Apache's paths are in; --write must name its file then",
      "/",
    )
    .option("-w, --write [file]", "write the configuration")
    .option(
      "--force",
      "change a configuration that is there: its access and error logs are replaced, origins and proxies added, the rest stays; a copy is kept",
    )
    .option("--json", "print JSON and nothing else")
    .action(async (options: InitOptions) => {
      const { init } = await import("./init-steps.ts");
      init(context, options);
    });
