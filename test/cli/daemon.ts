import { allowCommand } from "../../src/cli/allow.ts";
import { banCommand } from "../../src/cli/ban.ts";
import { bansCommand } from "../../src/cli/bans.ts";
import { incidentsCommand } from "../../src/cli/incidents.ts";
import { linkCommand } from "../../src/cli/link.ts";
import { statusCommand } from "../../src/cli/status.ts";
import { unbanCommand } from "../../src/cli/unban.ts";
import type { EnforcerState, Status } from "../../src/model/api.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { MemoryBackend } from "../serve/memory-backend.ts";
import { runServer, TestClock, TOKEN } from "../serve/running-server.ts";
import { commandLine, type World } from "./command-line.ts";

/** One command to a daemon. */
export const run = (argv: string[], world: World) =>
  commandLine(
    argv,
    (context) =>
      [statusCommand, linkCommand, banCommand, bansCommand, incidentsCommand, unbanCommand, allowCommand].map(
        (each) => each(context),
      ),
    world,
  );

/** A real server with a backend in memory, and the folder of a configuration whose data it runs with. */
export async function daemon(change: Partial<Status> = {}, hosts: readonly string[] = []) {
  const backend = new MemoryBackend(new TestClock());
  const status = backend.status.bind(backend);
  backend.status = () => ({ ...status(), enforcers: [], ...change });
  const { server } = await runServer({ backend, hosts });
  const cwd = folderWith({
    "sekisho.yaml": "data: data\nlogs: []",
    "data/token": `${TOKEN}\n`,
    "data/daemon.json": JSON.stringify({ pid: process.pid, url: server.url }),
  });
  return { backend, server, cwd };
}

export const enforcer = (state: EnforcerState): Status["enforcers"][number] => ({
  name: "apache-include",
  state,
  blocks: 1_200,
  unenforced: ["192.0.2.1/32"],
  lastReconciledAt: "2026-11-20T11:59:55Z",
  nextApplyAt: "2026-11-20T12:17:00Z",
  error: state === "failed" ? "configtest says no" : null,
  hint: state === "failed" ? "look at line 3" : null,
  note: null,
});

export const PANIC: Status["halts"][number] = {
  name: "panic",
  since: "2026-11-20T11:00:00Z",
  reason: "sekisho panic",
};
