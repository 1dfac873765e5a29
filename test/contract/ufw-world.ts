import { statSync } from "node:fs";
import { newUfw } from "../../src/enforce/ufw/ufw.ts";
import type { Clock } from "../../src/model/time.ts";
import { startApache } from "../apache.ts";
import { TcpClient } from "../tcp-client.ts";
import { startUfw } from "../ufw.ts";

/** A real ufw before a real Apache; its list has room for one rule of ours, so that rules and set are both tried. */
export async function ufwWorld(clock: Clock) {
  const apache = await startApache();
  const [ufw, client] = await Promise.all([startUfw(apache), TcpClient.beside(apache, 2222)]);
  const make = (programs = ufw.programs) =>
    newUfw({ ports: [80, 443], limit: 1, rest: 0 }, clock, { ...ufw, programs });
  const rule = (block: string): string =>
    `deny proto tcp from ${block.replace("/32", "")} to any port 80,443`;
  const files = ["user.rules", "user6.rules"].map((name) => `/proc/${ufw.process}/root/etc/ufw/${name}`);
  return {
    enforcer: () => make(),
    refuses: async (address: string) => !(await client.connects(address)),
    outside: {
      tamper(lifted: string, added: string) {
        ufw.shell(`ufw delete ${rule(lifted)} && ufw prepend ${rule(added)} comment 'sekisho permanent'`);
      },
      addForeign() {
        ufw.shell(`ufw prepend ${rule("192.0.2.77/32")} comment 'of the administrator'`);
        return () => /192\.0\.2\.77 +# (.*)/.exec(ufw.shell("ufw status"))![1]!;
      },
      trace: () => files.map((file) => statSync(file, { bigint: true }).mtimeNs).join(" "),
    },
    cannotCarry: ["0.0.0.0/0", "::/0"],
    broken: [{ enforcer: () => make({ ...ufw.programs, ufw: "no-such-ufw" }), code: "UFW_MISSING" }],
    [Symbol.asyncDispose]: () => apache[Symbol.asyncDispose](),
  };
}
