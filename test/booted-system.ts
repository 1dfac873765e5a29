import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ended } from "./e2e/command-line.ts";

/** Where the checkout is in there. */
export const CHECKOUT = "/mnt";
/** The client in there, which has an address and a network of its own. */
export const CLIENT = "192.0.2.7";
export const SERVER = "192.0.2.1";

/**
 * systemd takes the control group in which it starts for its own whole tree, so two of these at once would stop each other's services: each
 * has a group of its own, where this machine lets us make one. Starts nothing on the way, or that would be taken for the first process.
 */
const IN_A_GROUP = `
group=$1; shift
[ -z "$group" ] || echo $$ > "$group/cgroup.procs"
exec unshare "$@"
`;

/** Inside of new namespaces: this machine's files below a layer of the test's own, with systemd as the first process. */
const BOOT = `
set -eu
here=$1
mount -t overlay overlay -o lowerdir=/,upperdir=$here/upper,workdir=$here/work $here/root
mount -t proc proc $here/root/proc
mount -t sysfs sysfs $here/root/sys
mount -t cgroup2 cgroup2 $here/root/sys/fs/cgroup
mount -t tmpfs tmpfs $here/root/run
mount -t tmpfs tmpfs $here/root/tmp
mount -t tmpfs tmpfs $here/root/var/log
mkdir -p -m 0750 $here/root/var/log/apache2
chgrp adm $here/root/var/log/apache2
mount --rbind /dev $here/root/dev
mount --bind $2 $here/root${CHECKOUT}
ip link set lo up
rm -rf $here/root/etc/systemd/system/*.wants $here/root/etc/sekisho $here/root/opt/sekisho $here/root/etc/apache2
cp -a /etc/apache2 $here/root/etc/apache2
exec chroot $here/root env container=test /lib/systemd/systemd --system --unit=basic.target --log-target=null
`;

/** A system that systemd has booted, in namespaces of its own on a layer above this machine's files. Needs root. */
export class BootedSystem implements AsyncDisposable {
  readonly #folder: string;
  readonly #holder: ChildProcess;
  readonly #pid: number;
  readonly #group: string | null;

  private constructor(folder: string, holder: ChildProcess, pid: number, group: string | null) {
    this.#group = group;
    this.#folder = folder;
    this.#holder = holder;
    this.#pid = pid;
  }

  static async boot(): Promise<BootedSystem> {
    const folder = mkdtempSync(join(tmpdir(), "sekisho-booted-"));
    // Overlays do not go on overlays, as the folder for temporary files may be.
    execFileSync("mount", ["-t", "tmpfs", "none", folder]);
    for (const name of ["upper", "work", "root"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "boot"), BOOT);
    const namespaces = ["--mount", "--pid", "--fork", "--net", "--uts", "--ipc", "--cgroup", "--kill-child"];
    const checkout = join(import.meta.dirname, "..");
    const group = controlGroup(basename(folder));
    const unshare = [...namespaces, "sh", join(folder, "boot"), folder, checkout];
    const holder = spawn("sh", ["-c", IN_A_GROUP, "sh", group ?? "", ...unshare], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const pid = await childOf(holder);
    const system = new BootedSystem(folder, holder, pid, group);
    try {
      for (let tries = 0; tries < 300 && !system.isRunning; tries++) await sleep(100);
      system.shell(
        `ip netns add client && ip link add eth0 type veth peer name eth0 netns client &&
         ip addr add ${SERVER}/24 dev eth0 && ip link set eth0 up &&
         ip -n client addr add ${CLIENT}/24 dev eth0 && ip -n client link set eth0 up && ip -n client link set lo up`,
      );
      return system;
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
  }

  get isRunning(): boolean {
    return /^(running|degraded)$/m.test(this.run("systemctl is-system-running").stdout);
  }

  /** A shell command, with all that it writes. */
  run(command: string): Ended {
    const into = ["-t", String(this.#pid), "-a", "-r", "sh", "-c", `cd / && ${command}`];
    const { status, stdout, stderr } = spawnSync("nsenter", into, { cwd: "/", encoding: "utf8" });
    return { exitStatus: status, stdout, stderr };
  }

  /** What a shell command prints; it must succeed. */
  shell(command: string): string {
    const { exitStatus, stdout, stderr } = this.run(command);
    if (exitStatus === 0) return stdout;
    // systemctl only says that a unit failed.
    const journal = this.run("journalctl --no-pager -o short-precise -n 30").stdout;
    throw new Error(`${command}: ${exitStatus}\n${stdout}\n${stderr}\n${journal}`);
  }

  /** The status that the client gets from Apache; 0 when it gets none. */
  statusForClient(path: string): number {
    const script = `fetch("http://${SERVER}${path}").then(({ status }) => console.log(status), () => console.log(0))`;
    return Number(this.shell(`ip netns exec client ${CHECKOUT}/bin/node -e '${script}'`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // With the first process of a namespace all others end.
    process.kill(this.#pid, "SIGKILL");
    while (this.#holder.exitCode === null && this.#holder.signalCode === null) await sleep(20);
    execFileSync("umount", ["--lazy", this.#folder]);
    execFileSync("rmdir", [this.#folder]);
    if (this.#group !== null)
      spawnSync("find", [this.#group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
  }
}

/** Null where there are none of those that systemd wants, or we may not make one. */
function controlGroup(name: string): string | null {
  const mount = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .find((line) => line.includes(" - cgroup2 "));
  if (mount === undefined) return null;
  const group = join(mount.split(" ")[4]!, name);
  try {
    mkdirSync(group);
    return group;
  } catch {
    return null;
  }
}

/** The process that unshare started in the new namespaces. */
async function childOf({ pid }: ChildProcess): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    if (child !== undefined && child !== "") return Number(child);
    await sleep(50);
  }
  throw new Error("unshare started nothing");
}
