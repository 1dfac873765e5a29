import { join } from "node:path";
import type { Config } from "./config/schema.ts";
import { ApacheDirectory } from "./enforce/apache-directory.ts";
import { ApacheInclude } from "./enforce/apache-include.ts";
import { DryRun } from "./enforce/dry-run.ts";
import type { Enforcer } from "./enforce/enforcer.ts";
import { Exec } from "./enforce/exec.ts";
import { GuardChannel } from "./enforce/guard/channel.ts";
import { Guard } from "./enforce/guard/guard.ts";
import { Nftables } from "./enforce/nftables.ts";
import { SocketCutter } from "./enforce/socket-cutter.ts";
import { newUfw } from "./enforce/ufw.ts";
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
  return [
    ...(directory === undefined
      ? []
      : [new ApacheDirectory({ directory: directory.directory, user: directory.user })]),
    ...(include === undefined ? [] : [new ApacheInclude({ ...include, clock })]),
    ...(ufw === undefined ? [] : [newUfw(ufw, clock)]),
    ...(nftables === undefined
      ? []
      : [new Nftables({ ports: nftables.everyPort ? "all" : nftables.ports, clock })]),
    ...(exec === undefined
      ? []
      : [new Exec({ ...exec, timeoutMs: exec.timeout, stateFile: join(config.data, "exec.state") })]),
    ...(guard === undefined
      ? []
      : [new Guard({ path: guard.socket, group: guard.group ?? null, mode: guard.mode ?? 0o660 }, channel)]),
    ...(dryRun === undefined ? [] : [new DryRun()]),
  ];
}
