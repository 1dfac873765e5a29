import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Enforcer } from "../../src/enforce/enforcer.ts";
import { Nftables } from "../../src/enforce/nftables/nftables.ts";
import { setOf } from "../../src/enforce/nftables/script.ts";
import { parseTarget } from "../../src/model/ip.ts";
import { startApache } from "../apache.ts";
import { nftIn } from "../nft.ts";
import { TcpClient } from "../tcp-client.ts";
import { clock, type World } from "./world.ts";

export async function nftablesWorld(): Promise<World> {
  const apache = await startApache();
  const client = await TcpClient.beside(apache, 2222);
  const nft = nftIn(apache);
  const monitor = nft.monitor();
  await monitor.listens();
  const make = (program = nft.program): Enforcer => new Nftables({ ports: [80], clock, program });
  const powerless = join(apache.root, "powerless");
  writeFileSync(
    powerless,
    `#!/bin/sh\nexec setpriv --bounding-set=-net_admin --inh-caps=-net_admin ${nft.program} "$@"\n`,
    { mode: 0o755 },
  );
  const element = (block: string): string => {
    const address = block.slice(0, block.indexOf("/"));
    return `element inet sekisho ${setOf(parseTarget(block)!)} { ${address} }`;
  };
  return {
    enforcer: () => make(),
    refuses: async (address) => !(await client.connects(address)),
    outside: {
      tamper(lifted, added) {
        nft.run(`delete ${element(lifted)}; add ${element(added)}`);
      },
      addForeign() {
        nft.run('add table inet theirs { comment "of the administrator"; }');
        return () => /comment "(.*)"/.exec(nft.run("list", "table", "inet", "theirs"))![1]!;
      },
      trace: async (block) => String(await monitor.count(block.replace("/32", ""))),
    },
    cannotCarry: ["0.0.0.0/0", "::/0"],
    broken: [
      { enforcer: () => make("/nowhere/nft"), code: "NFT_MISSING" },
      { enforcer: () => make(powerless), code: "NFT_PERMISSION" },
    ],
    [Symbol.asyncDispose]: () => apache[Symbol.asyncDispose](),
  };
}
