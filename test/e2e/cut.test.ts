import { describe, expect, test } from "vitest";
import type { Page, SocketItem } from "../../src/model/api.ts";
import type { Apache } from "../apache.ts";
import { missing } from "../requirements.ts";
import { TcpClient } from "../tcp-client.ts";
import type { DaemonUnderTest } from "./daemon.ts";
import { daemonBeside, guardedApache } from "./guarded-apache.ts";

const ATTACKER = "203.0.113.7";
const NEIGHBOUR = "2001:db8:5:7::1";
const PATIENCE = { timeout: 60_000, interval: 50 };

const configuration = (apache: Apache, enforcers: string): string => `mode: enforce
logs:
  - path: ${apache.sekishoLog}
  - { path: ${apache.errorLog}, kind: error }
origins: ["https://site.example"]
${enforcers}
`;
const directory = (apache: Apache) => `apache-directory: { directory: ${apache.root}/banned }`;

const handshake = (origin: string): string =>
  [
    "GET /ws/chat HTTP/1.1",
    "Host: site.example",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: c2VraXNobyB0ZXN0IGtleQ==",
    `Origin: ${origin}`,
    "",
    "",
  ].join("\r\n");

/** Opens a WebSocket through Apache to the backend behind it, and leaves it open. */
async function openWebSocket(client: TcpClient, from: string, origin: string): Promise<void> {
  expect(await client.open(from)).toBe(true);
  await client.send(from, handshake(origin));
  await expect.poll(async () => (await client.look(from)).heard, PATIENCE).toContain("101 Switching");
}

const openSockets = async (daemon: DaemonUnderTest): Promise<number> =>
  (await daemon.api<Page<SocketItem>>("/api/sockets?state=open")).items.length;

describe.skipIf(missing("root", "apache2", "netns", "nft"))(
  "the open WebSockets of a client that is banned",
  () => {
    test.for([
      ["apache-directory", (apache: Apache) => `enforcers: { ${directory(apache)} }`],
      ["nftables", () => "enforcers: { nftables: {} }"],
    ] as const)("are closed with %s, and nobody else's", async ([enforcer, enforcers]) => {
      await using apache = await guardedApache();
      const client = await TcpClient.beside(apache, 2222);
      await using daemon = daemonBeside(apache);
      daemon.configure(configuration(apache, enforcers(apache)));
      await daemon.start();
      await openWebSocket(client, NEIGHBOUR, "https://site.example");
      await openWebSocket(client, ATTACKER, "https://evil.example");
      // The rule bans for five of a foreign Origin.
      const headers = { Origin: "https://evil.example" };
      for (let n = 0; n < 4; n++) {
        const handshake = { from: ATTACKER, path: "/ws/chat", upgrade: true, hold: true, headers } as const;
        expect((await apache.request(handshake)).status).toBe(101);
      }
      await expect.poll(async () => (await client.look(ATTACKER)).isOpen, PATIENCE).toBe(false);
      await expect
        .poll(async () => (await daemon.status()).cut, PATIENCE)
        .toEqual({
          state: "on",
          closed: 5,
          error: null,
          hint: null,
          note: null,
        });
      expect(await daemon.bans()).toMatchObject([{ target: `${ATTACKER}/32`, enforcedBy: [enforcer] }]);
      // Apache has noticed, and written the lines that it writes at the end of each.
      await expect.poll(() => openSockets(daemon), PATIENCE).toBe(1);
      // And they are no further deeds.
      expect((await daemon.incidentOn(ATTACKER)).findings).toHaveLength(1);
      expect((await client.look(NEIGHBOUR)).isOpen).toBe(true);
    });

    test("stay open where Sekisho is told not to cut, and where it may not, which is said", async () => {
      await using apache = await guardedApache();
      const client = await TcpClient.beside(apache, 2222);
      await using daemon = daemonBeside(apache);
      const enforcers = `enforcers: { ${directory(apache)} }`;
      daemon.configure(configuration(apache, `${enforcers}\ncut: { enabled: false }`));
      await daemon.start();
      await openWebSocket(client, ATTACKER, "https://evil.example");
      await daemon.cli("ban", ATTACKER);
      expect(await daemon.bans()).toMatchObject([{ enforcedBy: ["apache-directory"] }]);
      expect((await daemon.status()).cut.state).toBe("off");

      // From here on only port 443 is the web server's; the socket is at 80.
      daemon.configure(configuration(apache, `${enforcers}\ncut: { ports: [443] }`));
      await daemon.reload();
      await expect.poll(async () => (await daemon.status()).cut.state, PATIENCE).toBe("on");
      expect((await daemon.status()).cut.closed).toBe(0);
      expect((await client.look(ATTACKER)).isOpen).toBe(true);

      daemon.configure(configuration(apache, enforcers));
      await daemon.reload();
      await expect.poll(async () => (await client.look(ATTACKER)).isOpen, PATIENCE).toBe(false);
      await daemon.kill("SIGTERM");

      const powerless = daemonBeside(apache, apache.sekishoLog, [
        "setpriv",
        "--bounding-set=-net_admin",
        "--inh-caps=-net_admin",
      ]);
      await using _end = powerless;
      powerless.configure(configuration(apache, enforcers));
      await powerless.start();
      await expect.poll(async () => (await powerless.status()).cut.state, PATIENCE).toBe("failed");
      const note = /connections of banned clients stay open: .*\n +hint: grant CAP_NET_ADMIN/;
      for (const command of ["check", "status"]) {
        const { stdout, exitStatus } = await powerless.cli(command);
        expect(stdout).toMatch(note);
        expect(exitStatus).toBe(0);
      }
    });
  },
);
