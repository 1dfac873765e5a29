import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { banFiles } from "../../src/enforce/apache/ban-files.ts";
import { ApacheDirectory } from "../../src/enforce/apache/directory.ts";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { parseTarget } from "../../src/model/ip.ts";
import { startApache } from "../apache.ts";
import { isRefused, traceOf } from "./apache-asked.ts";
import type { World } from "./world.ts";

export async function directoryWorld(): Promise<World> {
  const inRoot = (root: string): string => join(root, "banned");
  const apache = await startApache({
    config: (root) =>
      apacheSnippet({
        directory: inRoot(root),
        includeFile: null,
        logFormat: "%a",
        tlsLogFormat: "%a",
        openingMessage: "m",
      }),
  });
  const directory = inRoot(apache.root);
  const closed = join(apache.root, "closed");
  mkdirSync(closed, { mode: 0o700 });
  const fileOf = (block: string): string => join(directory, banFiles(parseTarget(block)!)![0]!);
  return {
    enforcer: () => new ApacheDirectory({ directory }),
    refuses: (address) => isRefused(apache, address),
    outside: {
      tamper(lifted, added) {
        rmSync(fileOf(lifted));
        writeFileSync(fileOf(added), "");
      },
      addForeign() {
        mkdirSync(directory, { recursive: true });
        writeFileSync(join(directory, "README"), "of the administrator");
        return () => readFileSync(join(directory, "README"), "utf8");
      },
      trace: (block) => {
        // They are names of one file: one that is made anew is told from it only when it had a file of its own.
        if (statSync(fileOf(block)).nlink > 1) {
          const own = join(apache.root, "own");
          writeFileSync(own, "");
          renameSync(own, fileOf(block));
        }
        return traceOf(fileOf(block));
      },
    },
    cannotCarry: ["2001:db8::/49", "2001:db8::/32"],
    broken: [
      {
        enforcer: () => new ApacheDirectory({ directory: join(closed, "banned") }),
        code: "BAN_DIRECTORY_UNREACHABLE",
      },
      {
        enforcer: () => new ApacheDirectory({ directory, user: "nobody-of-that-name" }),
        code: "BAN_DIRECTORY_UNREACHABLE",
      },
      {
        enforcer: () => new ApacheDirectory({ directory: join(apache.root, "apache.conf") }),
        code: "BAN_DIRECTORY_UNWRITABLE",
      },
    ],
    [Symbol.asyncDispose]: () => apache[Symbol.asyncDispose](),
  };
}
