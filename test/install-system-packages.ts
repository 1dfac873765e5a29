import { spawnSync } from "node:child_process";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Debian's packages that the tests use, each with the file that tells whether it is there. */
const PACKAGES: Readonly<Record<string, string>> = {
  apache2: "/usr/sbin/apache2",
  nftables: "/usr/sbin/nft",
  ufw: "/usr/sbin/ufw",
  logrotate: "/usr/sbin/logrotate",
  ipset: "/usr/sbin/ipset",
  openssl: "/usr/bin/openssl",
  python3: "/usr/bin/python3",
  systemd: "/lib/systemd/systemd",
  iproute2: "/usr/sbin/ip",
  chromium: "/usr/bin/chromium",
  "fonts-dejavu-core": "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
};
const POLICY = "/usr/sbin/policy-rc.d";
const KEPT_POLICY = `${POLICY}.before-sekisho-tests`;

/** Installs what the full tests lack. Returns null, or what is in the way and what to do about it. */
export function installSystemPackages(say: (text: string) => void): { message: string; hint: string } | null {
  if (process.getuid?.() !== 0) {
    return {
      message: "the full tests need root: they make network namespaces and run Apache and firewalls in them",
      hint: "run them as root in a container or a virtual machine; 'npm test' runs what an ordinary user can",
    };
  }
  const lacking = Object.keys(PACKAGES).filter((name) => !existsSync(PACKAGES[name]!));
  if (lacking.length === 0) {
    say("system packages: all there, nothing to install");
    return null;
  }
  if (!existsSync("/etc/debian_version") || !existsSync("/usr/bin/apt-get")) {
    return {
      message: `the full tests need ${lacking.join(", ")}, and this is no Debian to install them on`,
      hint: "use Debian or Ubuntu, or install them yourself; 'npm test' runs what the machine allows",
    };
  }
  say(`system packages: installing ${lacking.join(", ")} with apt-get; their services are not started`);
  return withoutServiceStarts(
    () => aptGet("update") ?? aptGet("install", "--yes", "--no-install-recommends", ...lacking),
  );
}

function aptGet(...args: string[]): { message: string; hint: string } | null {
  const { status } = spawnSync("apt-get", ["--quiet", ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status === 0) return null;
  return {
    message: `apt-get ${args[0]} failed`,
    hint: "apt-get says why above; the Debian mirrors must be reachable",
  };
}

/** policy-rc.d is where Debian's packages ask whether they may start their service; 101 is no. */
function withoutServiceStarts<Result>(install: () => Result): Result {
  // A kept file is from a run that was killed: then the policy in place is ours, and the kept one the machine's.
  if (existsSync(POLICY) && !existsSync(KEPT_POLICY)) renameSync(POLICY, KEPT_POLICY);
  const interrupted = () => undefined; // Ctrl-C ends apt-get; the policy is put back all the same
  process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
  try {
    writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    return install();
  } finally {
    rmSync(POLICY, { force: true });
    if (existsSync(KEPT_POLICY)) renameSync(KEPT_POLICY, POLICY);
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
  }
}
