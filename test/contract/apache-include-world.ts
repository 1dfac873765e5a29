import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ApacheInclude } from "../../src/enforce/apache/include.ts";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import type { Enforcer } from "../../src/enforce/enforcer.ts";
import { startApache } from "../apache.ts";
import { isRefused, traceOf } from "./apache-asked.ts";
import { clock, type World } from "./world.ts";

export async function includeWorld(): Promise<World> {
  const inRoot = (root: string): string => join(root, "sekisho", "blocklist.conf");
  const apache = await startApache({
    config: (root) =>
      apacheSnippet({
        directory: null,
        includeFile: inRoot(root),
        logFormat: "%a",
        tlsLogFormat: "%a",
        openingMessage: "m",
      }),
  });
  const file = inRoot(apache.root);
  const make = (with_: { file?: string; control?: string }): Enforcer =>
    new ApacheInclude({
      file,
      control: apache.control,
      schedule: "17 * * * *",
      limit: 1_000,
      clock,
      ...with_,
    });
  return {
    enforcer: () => make({}),
    refuses: (address) => isRefused(apache, address),
    outside: {
      tamper(lifted, added) {
        const text = readFileSync(file, "utf8").replace(lifted.replace("/32", ""), added.replace("/32", ""));
        writeFileSync(file, text);
      },
      addForeign() {
        const foreign = join(dirname(file), "other.conf");
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(foreign, "of the administrator");
        return () => readFileSync(foreign, "utf8");
      },
      trace: () => traceOf(file),
    },
    cannotCarry: ["0.0.0.0/0", "::/0"],
    broken: [
      { enforcer: () => make({ control: "no-such-apache2ctl" }), code: "APACHE_CONTROL_MISSING" },
      { enforcer: () => make({ control: "/nowhere/apache2ctl" }), code: "APACHE_CONTROL_MISSING" },
      { enforcer: () => make({ file: join(apache.root, "apache.conf") }), code: "INCLUDE_UNWRITABLE" },
      {
        enforcer: () => make({ file: join(apache.root, "apache.conf", "list") }),
        code: "INCLUDE_UNWRITABLE",
      },
    ],
    [Symbol.asyncDispose]: () => apache[Symbol.asyncDispose](),
  };
}
