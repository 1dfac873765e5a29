import { expect, test } from "vitest";
import { nftIn } from "../nft.ts";
import { missing } from "../requirements.ts";
import { TcpClient } from "../tcp-client.ts";
import { daemonBeside, guardedApache } from "./guarded-apache.ts";

const BANNED = "203.0.113.7";
const OTHER_PORT = 2222;
const PATIENCE = { timeout: 60_000, interval: 50 };

test.skipIf(missing("root", "apache2", "netns", "nft"))(
  "other ports of nftables come into force by SIGHUP and a restart leaves no gap; without it its table is gone",
  async () => {
    await using apache = await guardedApache();
    const client = await TcpClient.beside(apache, OTHER_PORT);
    const nft = nftIn(apache);
    await using daemon = daemonBeside(apache);
    const configure = (enforcers: string): void =>
      daemon.configure(`mode: enforce\nlogs: []\nenforcers: { ${enforcers} }\n`);
    configure("nftables: {}");
    await daemon.start();
    await daemon.cli("ban", BANNED);
    expect(await client.connects(BANNED)).toBe(false);
    expect(await client.connects(BANNED, OTHER_PORT)).toBe(true);
    const monitor = nft.monitor();
    await monitor.listens();

    configure(`nftables: { ports: [80, ${OTHER_PORT}] }`);
    await daemon.reload();
    await expect.poll(() => client.connects(BANNED, OTHER_PORT), PATIENCE).toBe(false);
    await daemon.kill("SIGKILL");
    expect(await client.connects(BANNED)).toBe(false);
    await daemon.start();
    await expect
      .poll(async () => (await daemon.status()).enforcers, PATIENCE)
      .toMatchObject([{ name: "nftables", state: "in-sync", blocks: 1 }]);
    // Neither the table nor the element was ever removed or added again.
    expect(await monitor.count("inet sekisho\n")).toBe(0);
    expect(await monitor.count(BANNED)).toBe(0);
    monitor.stop();

    configure("dry-run: {}");
    await daemon.reload();
    await expect.poll(() => nft.tables(), PATIENCE).toEqual([]);
    expect(await client.connects(BANNED)).toBe(true);
  },
);
