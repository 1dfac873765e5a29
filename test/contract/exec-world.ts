import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Exec } from "../../src/enforce/exec/exec.ts";
import { startApache } from "../apache.ts";
import { TcpClient } from "../tcp-client.ts";
import type { World } from "./world.ts";

/** The program that docs/firewall.md shows, before a real Apache. */
export async function execWorld(): Promise<World> {
  const apache = await startApache();
  // Every address is local there, by a route that comes before those to nowhere; so have them looked at first.
  for (const family of ["-4", "-6"]) {
    const rules = "rule add pref 10 lookup main\nrule add pref 20 lookup local\nrule delete pref 0\n";
    execFileSync("ip", ["-n", apache.namespace, family, "-batch", "-"], { input: rules });
    execFileSync("ip", ["-n", apache.namespace, family, "route", "flush", "table", "main"]);
  }
  const client = await TcpClient.beside(apache, 2222);
  const guide = readFileSync(join(import.meta.dirname, "../../docs/firewall.md"), "utf8");
  const script = join(apache.root, "block");
  writeFileSync(script, /```python\n([\s\S]*?)```/.exec(guide)![1]!, { mode: 0o755 });
  const stateFile = join(apache.root, "exec.state");
  const make = (...command: string[]) => new Exec({ command, timeoutMs: 60_000, stateFile });
  return {
    enforcer: () => make("/usr/bin/nsenter", `--net=/run/netns/${apache.namespace}`, script),
    refuses: async (address) => !(await client.connects(address)),
    outside: null,
    cannotCarry: [],
    broken: [
      { enforcer: () => make("/nowhere/block"), code: "EXEC_MISSING" },
      { enforcer: () => make("block"), code: "EXEC_MISSING" },
    ],
    [Symbol.asyncDispose]: () => apache[Symbol.asyncDispose](),
  };
}
