import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { GuardChannel } from "../../src/enforce/guard/channel.ts";
import { Guard } from "../../src/enforce/guard/guard.ts";
import type { SocketPlace } from "../../src/local-socket/place.ts";
import { startSampleApp } from "../enforce/guard/sample-app.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import type { World } from "./world.ts";

/** The app that docs/guard.md shows, asked over HTTP. */
export async function guardWorld(): Promise<World> {
  const folder = temporaryFolder();
  const place = { path: join(folder.path, "guard.sock"), group: null, mode: 0o660 };
  const connected = Promise.withResolvers<void>();
  const channel = new GuardChannel({ changed: () => channel.counts.apps > 0 && connected.resolve() });
  await new Guard(place, channel).reconcile([]);
  const app = await startSampleApp(folder.path, place.path);
  await connected.promise;
  const at = (changed: Partial<SocketPlace>) => () => new Guard({ ...place, ...changed }, new GuardChannel());
  const open = join(folder.path, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  return {
    enforcer: () => new Guard(place, channel),
    refuses: async (address) => (await app.status(address)) === 403,
    outside: null,
    cannotCarry: [],
    broken: [
      { enforcer: at({ path: join(open, "guard.sock") }), code: "SOCKET_UNSAFE" },
      { enforcer: at({ path: join(folder.path, "app.mjs") }), code: "SOCKET_FAILED" },
      { enforcer: at({ group: "no-group-of-that-name" }), code: "SOCKET_FAILED" },
    ],
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      channel[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}
