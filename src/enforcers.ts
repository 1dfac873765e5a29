import { createHash } from "node:crypto";
import { join } from "node:path";
import { doorsOf } from "./apache-config/doors.ts";
import { answersEarly } from "./apache-config/early-answers.ts";
import { findApache } from "./apache-config/layout.ts";
import { readApacheConfig } from "./apache-config/reader.ts";
import { serversOf } from "./apache-config/servers.ts";
import type { Config } from "./config/schema.ts";
import { writtenList } from "./enforce/apache/control.ts";
import { ApacheDirectory } from "./enforce/apache/directory.ts";
import { ApacheInclude } from "./enforce/apache/include.ts";
import { ApacheRequests } from "./enforce/apache/requests.ts";
import { DryRun } from "./enforce/dry-run.ts";
import type { Enforcer } from "./enforce/enforcer.ts";
import { Exec } from "./enforce/exec/exec.ts";
import { GuardChannel } from "./enforce/guard/channel.ts";
import { Guard } from "./enforce/guard/guard.ts";
import { Nftables } from "./enforce/nftables/nftables.ts";
import { SocketCutter } from "./enforce/socket-cutter.ts";
import { UfwByRoot } from "./enforce/ufw/by-root.ts";
import { newUfw } from "./enforce/ufw/ufw.ts";
import type { Door } from "./model/door.ts";
import type { Clock } from "./model/time.ts";

/** Null where open connections stay, by configuration or since nothing is blocked. */
export function cutterOf({ cut, enforcers }: Config): SocketCutter | null {
  const areBlocked = Object.keys(enforcers).some((name) => name !== "dry-run");
  return cut.enabled && areBlocked ? new SocketCutter({ ports: cut.ports }) : null;
}

/**
 * The enforcers that the configuration asks for: the daemon's part that chooses them. The apps of the guard are connected
 * to `channel`, which outlives a reload.
 */
export function enforcersOf(config: Config, clock: Clock, channel = new GuardChannel()): Enforcer[] {
  const {
    "apache-directory": directory,
    "apache-include": include,
    ufw,
    nftables,
    exec,
    guard,
    "dry-run": dryRun,
  } = config.enforcers;
  const requests = requestsOf(config);
  return [
    ...(directory === undefined
      ? []
      : [new ApacheDirectory({ directory: directory.directory, user: directory.user, requests })]),
    ...(include === undefined
      ? []
      : [new ApacheInclude({ ...include, file: writtenList(include), requests, clock })]),
    ...(ufw === undefined
      ? []
      : [ufw.requests === undefined ? newUfw(ufw, clock) : new UfwByRoot({ requests: ufw.requests, clock })]),
    ...(nftables === undefined
      ? []
      : [new Nftables({ ports: nftables.everyPort ? "all" : nftables.ports, clock })]),
    ...(exec === undefined
      ? []
      : [new Exec({ ...exec, timeoutMs: exec.timeout, stateFile: execState(config.data, exec.command) })]),
    ...(guard === undefined
      ? []
      : [
          new Guard(
            { path: guard.socket, group: guard.group ?? null, mode: guard.mode ?? 0o660 },
            channel,
            config.data,
          ),
        ]),
    ...(dryRun === undefined ? [] : [new DryRun()]),
  ];
}

/** Null where nobody is to ask. Apache's configuration is read each time, since it changes without our doing. */
function requestsOf({ probe }: Config): ApacheRequests | null {
  if (!probe.enabled) return null;
  const { url } = probe;
  return new ApacheRequests(() => (url === undefined ? discoveredDoors() : [url]));
}

function discoveredDoors(): readonly Door[] {
  const apache = findApache("/", null);
  return apache === null ? [] : doorsOf(readApacheConfig(apache));
}

/** Whether some vhost may answer 404 or 410 to whoever asks for some path. */
export function apacheAnswersEarly(): boolean {
  const apache = findApache("/", null);
  return apache !== null && answersEarly(serversOf(readApacheConfig(apache)), null);
}

/** One for each command: what another program of before still blocks is not this one's to forget. */
function execState(data: string, command: readonly string[]): string {
  const name = createHash("sha256").update(JSON.stringify(command)).digest("hex").slice(0, 12);
  return join(data, `exec-${name}.state`);
}
