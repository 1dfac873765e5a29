import { expect, test } from "vitest";
import { nftIn } from "../nft.ts";
import { missing } from "../requirements.ts";
import { daemonBeside, guardedApache } from "./guarded-apache.ts";

const PROXY = "198.51.100.80";
const ATTACKER = "203.0.113.7";
const ATTACKER_V6 = "2001:db8:5:6::bad";
const VISITOR = "203.0.113.9";
const FORGER = "192.0.2.99";

test.skipIf(missing("root", "apache2", "netns", "nft"))(
  "behind a proxy whoever attacks is refused, and neither the proxy, nor who else comes through it, nor whom somebody pretends to be",
  async () => {
    await using apache = await guardedApache(
      `RemoteIPHeader X-Forwarded-For\nRemoteIPTrustedProxy ${PROXY}\n`,
    );
    const nft = nftIn(apache);
    await using daemon = daemonBeside(apache);
    daemon.configure(`mode: enforce
logs: [{ path: ${apache.accessLog} }, { path: ${apache.errorLog}, kind: error }]
trustedProxies: [${PROXY}]
enforcers:
  apache-directory: { directory: ${apache.root}/banned }
  nftables: {}
probe: { enabled: false }
`);
    await daemon.start();
    /** Through the proxy, which says for whom it asks. */
    const status = async (client: string, path = "/", from = PROXY): Promise<number> =>
      (await apache.request({ from, path, headers: { "x-forwarded-for": client } })).status;
    for (const client of [ATTACKER, ATTACKER_V6]) {
      for (let n = 0; n < 10; n++) expect(await status(client, "/private/")).toBe(403);
      await expect.poll(() => status(client)).toBe(403);
    }
    expect(await status("2001:db8:5:6::1"), "of the same /64").toBe(403);
    const handshake = { from: PROXY, path: "/ws/", upgrade: true };
    expect((await apache.request({ ...handshake, headers: { "x-forwarded-for": ATTACKER } })).status).toBe(
      403,
    );
    expect((await apache.request({ ...handshake, headers: { "x-forwarded-for": VISITOR } })).status).toBe(
      101,
    );

    // Somebody who is no proxy names the visitor, and is banned for it himself.
    for (let n = 0; n < 10; n++) expect(await status(VISITOR, "/private/", FORGER)).toBe(403);
    await expect.poll(() => status(VISITOR, "/", FORGER)).toBe(403);
    // Where the header is rubbish, Apache falls back to the proxy's own address.
    for (let n = 0; n < 12; n++) expect(await status("rubbish", "/private/")).toBe(403);
    await expect
      .poll(async () => (await daemon.incidentOn(PROXY)).findings.map(({ spared }) => spared))
      .toEqual(expect.arrayContaining([expect.stringContaining("trusted prox")]));
    expect([await status(VISITOR), await status("rubbish"), await status(ATTACKER)]).toEqual([200, 200, 403]);

    expect((await daemon.bans()).map(({ target, enforcedBy }) => [target, enforcedBy]).sort()).toEqual(
      [`${FORGER}/32`, "2001:db8:5:6::/64", `${ATTACKER}/32`].map((each) => [each, ["apache-directory"]]),
    );
    const { enforcers } = await daemon.status();
    expect(enforcers.find(({ name }) => name === "nftables")).toMatchObject({
      state: "failed",
      blocks: 0,
      error: expect.stringContaining(`clients come through ${PROXY}/32`),
      hint: expect.stringContaining("use apache-directory"),
    });
    expect(nft.tables()).toEqual([]);
  },
);
