import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startDaemon } from "../src/daemon.ts";
import { type Clock, unixMs } from "../src/model/time.ts";
import { DaemonLog } from "../src/observe/log.ts";
import { loadSetup, type Setup } from "../src/setup.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const clock: Clock = { now: () => unixMs(Date.now()) };

/** A configuration that blocks by a list of that name. */
function setupWith(folder: string, list: string): Setup {
  const file = join(folder, "sekisho.yaml");
  mkdirSync(join(folder, list), { recursive: true });
  writeFileSync(
    file,
    `data: data
mode: enforce
logs: []
enforcers:
  apache-include: { file: ${folder}/${list}/list.conf, control: /bin/true }
dashboard: { listen: "127.0.0.1:0" }
`,
  );
  return loadSetup({ file, cwd: folder });
}
const start = (folder: string) =>
  startDaemon({
    setup: setupWith(folder, "a"),
    version: "test",
    demo: false,
    log: new DaemonLog(() => {}, true),
    clock,
    env: { SEKISHO_TOKEN: "a-token-of-this-test-0123456789" },
    failed: (error) => expect.unreachable(error.message),
  });

test("of reloads that come at once the last one holds, and what the others enforced is lifted", async () => {
  using folder = temporaryFolder();
  await using daemon = await start(folder.path);
  const banned = await fetch(`${daemon.url}/api/bans`, {
    method: "POST",
    headers: { authorization: "Bearer a-token-of-this-test-0123456789", "content-type": "application/json" },
    body: JSON.stringify({ target: "198.51.100.0/24", for: "4h", reason: "a test" }),
  });
  expect(banned.status).toBe(201);
  await Promise.all(["b", "c", "d"].map((list) => daemon.reload(setupWith(folder.path, list))));
  const blocking = ["a", "b", "c", "d"].filter((list) =>
    readFileSync(join(folder.path, list, "list.conf"), "utf8").includes("198.51.100.0/24"),
  );
  expect(blocking).toEqual(["d"]);
});

test("a reload that is under way when the daemon stops ends before it, and a later one is refused", async () => {
  using folder = temporaryFolder();
  const daemon = await start(folder.path);
  const reloading = daemon.reload(setupWith(folder.path, "b"));
  await daemon[Symbol.asyncDispose]();
  expect(await reloading).toEqual([]);
  await expect(daemon.reload(setupWith(folder.path, "c"))).rejects.toMatchObject({ code: "INTERNAL" });
});
