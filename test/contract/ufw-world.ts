import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UfwAsRoot } from "../../src/enforce/ufw/as-root.ts";
import { UfwByRoot } from "../../src/enforce/ufw/by-root.ts";
import { newUfw } from "../../src/enforce/ufw/ufw.ts";
import { startApache } from "../apache.ts";
import { TcpClient } from "../tcp-client.ts";
import { startUfw } from "../ufw.ts";
import { clock, type World } from "./world.ts";

/** A real ufw before a real Apache; its list has room for one rule of ours, so that rules and set are both tried. */
async function startBoth() {
  const apache = await startApache();
  const [ufw, client] = await Promise.all([startUfw(apache), TcpClient.beside(apache, 2222)]);
  const make = (programs = ufw.programs) =>
    newUfw({ ports: [80, 443], limit: 1, rest: 0 }, clock, { ...ufw, programs });
  const rule = (block: string): string =>
    `deny proto tcp from ${block.replace("/32", "")} to any port 80,443`;
  const files = ["user.rules", "user6.rules"].map((name) => `/proc/${ufw.process}/root/etc/ufw/${name}`);
  const seen: Pick<World, "refuses" | "outside" | "cannotCarry"> = {
    refuses: async (address) => !(await client.connects(address)),
    outside: {
      tamper(lifted, added) {
        ufw.shell(`ufw delete ${rule(lifted)} && ufw prepend ${rule(added)} comment 'sekisho permanent'`);
      },
      addForeign() {
        ufw.shell(`ufw prepend ${rule("192.0.2.77/32")} comment 'of the administrator'`);
        return () => /192\.0\.2\.77 +# (.*)/.exec(ufw.shell("ufw status"))![1]!;
      },
      trace: () => files.map((file) => statSync(file, { bigint: true }).mtimeNs).join(" "),
    },
    cannotCarry: ["0.0.0.0/0", "::/0"],
  };
  return { apache, ufw, make, seen };
}

export async function ufwWorld(): Promise<World> {
  const { apache, ufw, make, seen } = await startBoth();
  return {
    ...seen,
    enforcer: () => make(),
    broken: [{ enforcer: () => make({ ...ufw.programs, ufw: "no-such-ufw" }), code: "UFW_MISSING" }],
    [Symbol.asyncDispose]: () => apache[Symbol.asyncDispose](),
  };
}

/** The same for a Sekisho without root: both halves, and between them the files. */
export async function ufwByRootWorld(): Promise<World> {
  const { apache, make, seen } = await startBoth();
  const [requests, answers, unseen] = ["requests", "answers", "unseen"].map((name) =>
    join(apache.root, name),
  );
  for (const folder of [requests!, answers!, unseen!]) mkdirSync(folder, { mode: 0o700 });
  const byRoot = (folder = requests!, patienceMs = 60_000) =>
    new UfwByRoot({ requests: folder, answers: answers!, clock, patienceMs });
  const ending = new AbortController();
  const rootsHalf = new UfwAsRoot({
    ...{ requests: requests!, answers: answers!, users: [0], clock },
    orders: async () => ({ ufw: make(), mayBlock: true, isProtected: () => false }),
  });
  // As sekisho-ufw.path does: starts root's half whenever there is a request.
  const path = (async () => {
    for (; !ending.signal.aborted; await sleep(10))
      if (existsSync(join(requests!, "request"))) await rootsHalf.run(ending.signal);
  })();
  return {
    ...seen,
    enforcer: () => byRoot(),
    broken: [
      { enforcer: () => byRoot(unseen, 100), code: "UFW_NO_ANSWER" },
      { enforcer: () => byRoot(join(apache.root, "nowhere")), code: "UFW_NO_ANSWER" },
    ],
    async [Symbol.asyncDispose]() {
      ending.abort();
      await path;
      await apache[Symbol.asyncDispose]();
    },
  };
}
