import { expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { daemonBeside, guardedApache, refused, statusOf } from "./guarded-apache.ts";

const BANNED = "198.51.100.77";

test.skipIf(missing("root", "apache2", "netns"))(
  "a vhost whose own section lets a banned client in is found out, and the ban says how many requests came through",
  async () => {
    // Apache's last <If> wins, so this one undoes Sekisho's.
    const hole = `<If "%{REQUEST_URI} =~ m#^/open#">\n  Require all granted\n</If>`;
    await using apache = await guardedApache(hole);
    await using daemon = daemonBeside(apache, apache.sekishoLog);
    await daemon.start();
    expect((await daemon.cli("ban", BANNED)).exitStatus).toBe(0);
    await refused(apache, BANNED);
    expect((await daemon.status()).bans).toEqual({ active: 1, ineffective: 0 });
    await expect
      .poll(
        async () => {
          expect(await statusOf(apache, BANNED, "/open/door")).not.toBe(403);
          return (await daemon.status()).bans.ineffective;
        },
        { timeout: 60_000, interval: 500 },
      )
      .toBe(1);
    const { problems } = await daemon.status();
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^\d+ requests of 198\.51\.100\.77\/32 .* site\.example\/open\/door .* a section of/,
      ),
    ]);
    expect((await daemon.cli("status")).exitStatus).toBe(1);
    expect((await daemon.cli("bans")).stdout).toMatch(/apache-directory \(\d+ requests came through\)/);
    await daemon.cli("unban", BANNED);
    expect(await daemon.status()).toMatchObject({ bans: { active: 0, ineffective: 0 }, problems: [] });
  },
);
