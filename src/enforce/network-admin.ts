import { readFile } from "node:fs/promises";

/** Of capabilities(7). */
const CAP_NET_ADMIN = 12n;

/**
 * Whether programs that we start may change the firewall and close sockets. Root passes its effective capabilities on;
 * anybody else only the ambient ones, which a unit grants by `AmbientCapabilities=CAP_NET_ADMIN`.
 */
export async function mayAdministerNetwork(): Promise<boolean> {
  const status = await readFile("/proc/self/status", "utf8");
  const kind = process.geteuid?.() === 0 ? "CapEff" : "CapAmb";
  const held = new RegExp(`^${kind}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
  return held !== undefined && ((BigInt(`0x${held}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}
