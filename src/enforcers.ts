import { join } from "node:path";
import type { Config } from "./config/schema.ts";
import { ApacheDirectory } from "./enforce/apache-directory.ts";
import { ApacheInclude } from "./enforce/apache-include.ts";
import { DryRun } from "./enforce/dry-run.ts";
import type { Enforcer } from "./enforce/enforcer.ts";
import { Exec } from "./enforce/exec.ts";
import { Nftables } from "./enforce/nftables.ts";
import type { Clock } from "./model/time.ts";

/** The enforcers that the configuration asks for: the daemon's part that chooses them. */
export function enforcersOf(config: Config, clock: Clock): Enforcer[] {
  const {
    "apache-directory": directory,
    "apache-include": include,
    nftables,
    exec,
    "dry-run": dryRun,
  } = config.enforcers;
  return [
    ...(directory === undefined
      ? []
      : [new ApacheDirectory({ directory: directory.directory, user: directory.user })]),
    ...(include === undefined ? [] : [new ApacheInclude({ ...include, clock })]),
    ...(nftables === undefined
      ? []
      : [new Nftables({ ports: nftables.everyPort ? "all" : nftables.ports, clock })]),
    ...(exec === undefined
      ? []
      : [new Exec({ ...exec, timeoutMs: exec.timeout, stateFile: join(config.data, "exec.state") })]),
    ...(dryRun === undefined ? [] : [new DryRun()]),
  ];
}
