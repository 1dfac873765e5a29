import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Apache } from "./apache.ts";

export interface Ufw {
  /** For an enforcer in the test's own process: programs that enter the namespaces, and a process that is in them. */
  readonly programs: {
    readonly ufw: string;
    readonly iptables: string;
    readonly ip6tables: string;
    readonly nft: string;
  };
  readonly process: number;
  /** What a shell command prints there; it must succeed. */
  shell(script: string): string;
  /** Rules as ufw stores them, of both families: the lines that it reads. */
  tuples(): string[];
}

/**
 * ufw as Debian ships it, turned on, in the network namespace of a test's Apache, with an /etc/ufw and a /run of its own: web
 * ports open, all else closed. Unlike Debian's it filters the loopback, where all that is in the namespace talks. It ends
 * with the Apache's namespace.
 */
export async function startUfw(apache: Apache): Promise<Ufw> {
  const folder = join(apache.root, "ufw");
  mkdirSync(folder, { mode: 0o700 });
  const setUp = [
    `cp -a /etc/ufw ${folder}/etc && cp /etc/default/ufw ${folder}/default`,
    `cp -L /usr/share/ufw/*.rules /usr/share/ufw/*.init ${folder}/etc/ && chmod 640 ${folder}/etc/*.init`,
    `sed -i 's/^IPV6=.*/IPV6=yes/; s/^IPT_SYSCTL=.*/IPT_SYSCTL=/' ${folder}/default`,
    `sed -i 's/^ENABLED=.*/ENABLED=no/' ${folder}/etc/ufw.conf`,
    // The server answers from the same namespace, so a request comes in on the loopback.
    `sed -i '/-before-input -i lo -j ACCEPT/d' ${folder}/etc/before.rules ${folder}/etc/before6.rules`,
    `mount --bind ${folder}/etc /etc/ufw && mount --bind ${folder}/default /etc/default/ufw`,
    "mount -t tmpfs none /run",
    "ufw allow 80/tcp && ufw --force enable",
    "echo READY",
    "exec sleep infinity",
  ].join(" && ");
  const holder = apache.inNamespace("unshare", ["--mount", "sh", "-c", setUp], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  holder.stdout!.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  while (!said.includes("READY")) {
    await Promise.race([once(holder.stdout!, "data"), once(holder, "exit")]);
    if (holder.exitCode !== null) throw new Error(`ufw did not start: ${said}`);
  }
  const enter = [`--target=${holder.pid}`, "--mount", "--net"];
  const program = (name: string): string => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\nexec nsenter ${enter.join(" ")} ${name} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const shell = (script: string): string => {
    const ended = spawnSync("nsenter", [...enter, "sh", "-c", script], { cwd: "/", encoding: "utf8" });
    if (ended.status !== 0) throw new Error(`${script}: ${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  };
  return {
    programs: {
      ufw: program("ufw"),
      iptables: program("iptables"),
      ip6tables: program("ip6tables"),
      nft: program("nft"),
    },
    process: holder.pid!,
    shell,
    tuples: () =>
      shell("grep -h '^### tuple' /etc/ufw/user.rules /etc/ufw/user6.rules || :").split("\n").filter(Boolean),
  };
}
