import { readFileSync, renameSync, writeFileSync } from "node:fs";
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
import { Enforcement } from "./enforce/enforcement.ts";
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
      : [new Exec({ ...exec, timeoutMs: exec.timeout, stateFile: join(config.data, "exec.state") })]),
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

type Settings = Config["enforcers"];

/**
 * An enforcer that the configuration no longer has, or that works elsewhere now, must not go on blocking; also when that was
 * changed while Sekisho did not run. So the data folder tells which may have left blocks: those that were not lifted yet, and
 * last those in use.
 */
export async function liftFormer(config: Config, clock: Clock, data = config.data): Promise<void> {
  const file = join(data, "enforcers.json");
  const left: Settings[] = [];
  for (const enforcers of readFormer(file))
    if (!(await isLifted({ ...config, enforcers }, config, clock))) left.push(enforcers);
  try {
    writeFileSync(`${file}.new`, JSON.stringify([...left, config.enforcers]), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch {
    // A full disk is told by others, and must not keep anything from being enforced.
  }
}

function readFormer(file: string): readonly Settings[] {
  try {
    const former: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(former) ? former : [];
  } catch {
    // There is none yet, or it was damaged: then nothing is known.
    return [];
  }
}

/** Lifts what those enforcers left that are not the same any more; false when one of them could not. */
async function isLifted(before: Config, after: Config, clock: Clock): Promise<boolean> {
  const removed = enforcersOf(before, clock).filter(({ name }) => {
    const same = JSON.stringify(before.enforcers[name]) === JSON.stringify(after.enforcers[name]);
    // The channel of the guard lifts by itself; with other settings nftables has the same table, and ufw the same rules.
    const keeps =
      name === "guard" || (["nftables", "ufw"].includes(name) && after.enforcers[name] !== undefined);
    return !same && !keeps && name !== "dry-run";
  });
  await using lifting = new Enforcement({ mode: "observe", enforcers: removed, clock, onChange: () => {} });
  await lifting.start([]);
  return lifting.statuses().every(({ error }) => error === null);
}
