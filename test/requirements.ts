import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** What a test needs of the machine beyond Node. */
export type Need =
  | "root"
  | "apache2"
  | "netns"
  | "userns"
  | "chromium"
  | "ufw"
  | "nft"
  | "logrotate"
  | "ipset"
  | "openssl"
  | "python3"
  | "systemd";

const PRESENT: Readonly<Record<Need, () => boolean>> = {
  root: () => process.getuid?.() === 0,
  apache2: () => existsSync("/usr/sbin/apache2"),
  // A namespace can be forbidden where the tool exists (containers), so make one.
  netns: () => spawnSync("unshare", ["--net", "true"]).status === 0 && existsSync("/usr/sbin/ip"),
  // With limits of its own, which its root may set.
  userns: () => existsSync("/proc/sys/user") && spawnSync("unshare", ["-U", "-r", "true"]).status === 0,
  chromium: () => existsSync("/usr/bin/chromium"),
  ufw: () => existsSync("/usr/sbin/ufw"),
  nft: () => existsSync("/usr/sbin/nft"),
  logrotate: () => existsSync("/usr/sbin/logrotate"),
  systemd: () => existsSync("/lib/systemd/systemd") && existsSync("/usr/bin/systemd-analyze"),
  ipset: () => existsSync("/usr/sbin/ipset"),
  openssl: () => existsSync("/usr/bin/openssl"),
  python3: () => existsSync("/usr/bin/python3"),
};

/**
 * The first need that this machine does not meet, or null. Use as `describe.skipIf(missing("root", "apache2"))`.
 * Under `npm run test:full` a missing need is an error: nothing is skipped there.
 */
export function missing(...needs: Need[]): Need | null {
  const absent = needs.find((need) => !PRESENT[need]()) ?? null;
  if (absent !== null && process.env.SEKISHO_TEST_FULL === "1") {
    throw new Error(`the full tests need ${absent}, which is not there`);
  }
  return absent;
}
