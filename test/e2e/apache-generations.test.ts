import { once } from "node:events";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { type Apache, startApache } from "../apache.ts";
import { missing } from "../requirements.ts";
import type { DaemonUnderTest } from "./daemon.ts";
import { daemonBeside, refused, statusOf } from "./guarded-apache.ts";

const PROBE = "cut: { enabled: false }\nprobe: { url: http://192.0.2.1/robots.txt }";
const enforcer = async (daemon: DaemonUnderTest, name: string) =>
  (await daemon.status()).enforcers.find((each) => each.name === name)!;
const NODE = join(import.meta.dirname, "../../bin/node");

/** A service in the Apache's namespace that takes messages, as the webhook of a notification. */
async function receiver(apache: Apache): Promise<{ readonly url: string; texts(): readonly string[] }> {
  const script = `require("http").createServer((request, response) => {
    request.on("data", (piece) => process.stdout.write(piece));
    request.on("end", () => { process.stdout.write("\\n"); response.end(); });
  }).listen(9000, "127.0.0.1", () => console.log("READY"))`;
  const program = apache.inNamespace(NODE, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let taken = "";
  program.stdout!.setEncoding("utf8").on("data", (piece: string) => {
    taken += piece;
  });
  while (!taken.includes("READY\n")) await once(program.stdout!, "data");
  const messages = () => taken.split("\n").slice(1, -1);
  return {
    url: "http://127.0.0.1:9000/hook",
    texts: () =>
      messages().flatMap((message) =>
        (JSON.parse(message) as { notices: { text: string }[] }).notices.map(({ text }) => text),
      ),
  };
}

const served = (apache: Apache, from: string) => expect.poll(() => statusOf(apache, from)).toBe(200);

/** Apache's configuration with the list, and without the ban directory. */
const withListOnly = (root: string): string =>
  apacheSnippet({
    directory: null,
    includeFile: `${root}/blocklist.conf`,
    ...{ logFormat: "%a", tlsLogFormat: "%a", openingMessage: "m" },
  });

test.skipIf(missing("root", "apache2", "netns"))(
  "an Apache without Sekisho's lines is found out by a real request, and trusted when it has them",
  async () => {
    await using apache = await startApache({ config: (root) => `IncludeOptional ${root}/snippet.conf\n` });
    await using daemon = daemonBeside(apache, apache.accessLog, [], PROBE);
    await daemon.start();
    await expect
      .poll(() => enforcer(daemon, "apache-directory"))
      .toMatchObject({
        state: "failed",
        error: expect.stringMatching(
          /Apache does not look at the ban directory .*: http:\/\/192\.0\.2\.1:80 answered 404 to 127\.83\.0\.1/,
        ),
        hint: expect.stringContaining("sekisho apache snippet"),
        provenAt: null,
      });
    await daemon.cli("ban", "198.51.100.77");
    expect((await daemon.bans()).map(({ enforcedBy }) => enforcedBy)).toEqual([[]]);
    expect((await daemon.cli("status")).exitStatus).toBe(1);
    await expect.poll(() => daemon.output).toMatch(/enforcer apache-directory: Apache does not look at/);

    const snippet = apacheSnippet({
      directory: `${apache.root}/banned`,
      includeFile: `${apache.root}/blocklist.conf`,
      ...{ logFormat: "%a", tlsLogFormat: "%a", openingMessage: "m" },
    });
    writeFileSync(join(apache.root, "snippet.conf"), snippet);
    apache.inNamespace(apache.control, ["graceful"], { stdio: "ignore" });
    await refused(apache, "198.51.100.77");
    await daemon.reload();
    await expect
      .poll(() => enforcer(daemon, "apache-directory"))
      .toMatchObject({ state: "in-sync", error: null, provenAt: expect.any(String) });
    expect((await daemon.bans()).map(({ enforcedBy }) => enforcedBy)).toEqual([["apache-directory"]]);
    expect((await daemon.cli("status")).stdout).toMatch(/in-sync +apache-directory .*proven \d+s ago/);
  },
);

test.skipIf(missing("root", "apache2", "netns"))(
  "a person goes back to an earlier list, sees what is held back, and goes on",
  async () => {
    await using apache = await startApache({ config: withListOnly });
    await using daemon = daemonBeside(apache, apache.accessLog, [], PROBE);
    const file = `${apache.root}/sekisho/sekisho.yaml`;
    writeFileSync(file, readFileSync(file, "utf8").replace(/ {2}apache-directory.*\n/, ""));
    await daemon.start();
    const cli = (...args: string[]) => daemon.cli("apache", ...args);
    expect((await cli("generations")).stdout).toBe("No list has come into force yet.\n");
    const apply = () => daemon.api("/api/enforcers/apache-include/apply", "POST");
    for (const each of ["198.51.100.1", "198.51.100.2"]) {
      await daemon.cli("ban", each, "--for", "4w");
      await apply();
      await refused(apache, each);
    }
    const shown = (await cli("generations")).stdout;
    expect(shown).toMatch(/^generation +written +targets +added +removed/);
    const [second, first] = [...shown.matchAll(/^ *(\d+) .*$/gm)].map(([, number]) => number!);
    expect(shown).toMatch(new RegExp(`^ *${second} .* 2 +1 +0 +in force *$`, "m"));
    expect((await cli("generations", second!)).stdout).toMatch(/^generation .*\n\+ 198\.51\.100\.2\/32\n$/);

    const back = await cli("rollback", first!);
    expect([back.exitStatus, back.stderr]).toEqual([0, ""]);
    expect(back.stdout).toMatch(
      /^the list is held to generation \d+; in force: 1 block\nnote: .*held back: 198\.51\.100\.2\/32/,
    );
    await served(apache, "198.51.100.2");
    // Neither a new ban nor a full look at the world undoes it.
    await daemon.cli("ban", "198.51.100.3", "--for", "4w");
    await apply();
    await daemon.reload();
    await expect
      .poll(async () => (await enforcer(daemon, "apache-include")).error)
      .toMatch(/held back: 198\.51\.100\.[23]\/32, 198\.51\.100\.[23]\/32$/);
    const held = await Promise.all([1, 2, 3].map((n) => statusOf(apache, `198.51.100.${n}`)));
    expect(held).toEqual([403, 200, 200]);
    expect((await cli("generations")).stdout).toMatch(
      /Held to generation .* by a person; 2 targets held back/,
    );
    expect((await daemon.cli("status")).exitStatus).toBe(1);
    // Who is let in is let in, held or not.
    await daemon.cli("unban", "198.51.100.1");
    await served(apache, "198.51.100.1");

    expect((await cli("resume")).stdout).toBe("the list is held no more; in force: 2 blocks\n");
    for (const each of ["198.51.100.2", "198.51.100.3"]) await refused(apache, each);
    expect((await cli("resume")).exitStatus).toBe(1);
    expect((await cli("rollback", "999")).exitStatus).toBe(1);
    expect((await cli("rollback", "x")).exitStatus).toBe(2);
    expect((await daemon.cli("status")).exitStatus).toBe(0);
  },
);

test.skipIf(missing("root", "apache2", "netns"))(
  "a list with which Apache dies is put back by itself, somebody is told, and a person goes on",
  async () => {
    await using apache = await startApache({ config: withListOnly });
    const [good, bad] = ["198.51.100.1", "198.51.100.2"];
    // Its reload kills Apache while the list names that one, and then says that all went well; the next reload starts it.
    const [control, trouble] = [`${apache.root}/killing`, `${apache.root}/trouble`];
    writeFileSync(trouble, "");
    writeFileSync(
      control,
      `#!/bin/sh
if [ "$1" = graceful ] && [ -e ${trouble} ] && grep -q '${bad}' ${apache.root}/blocklist.conf; then
  pid=$(cat ${apache.root}/apache.pid); kill -9 $pid $(cat /proc/$pid/task/$pid/children); rm ${apache.root}/apache.pid; exit 0
fi
exec ${apache.control} "$@"
`,
    );
    chmodSync(control, 0o755);
    const hook = await receiver(apache);
    const notifications = `notifications: [{ to: webhook, url: "${hook.url}", every: 1s }]`;
    await using daemon = daemonBeside(apache, apache.accessLog, [], `${PROBE}\n${notifications}`);
    const file = `${apache.root}/sekisho/sekisho.yaml`;
    const config = readFileSync(file, "utf8").replace(/ {2}apache-directory.*\n/, "");
    writeFileSync(file, config.replace(`control: ${apache.control}`, `control: ${control}`));
    await daemon.start();
    const ban = async (client: string) => {
      await daemon.cli("ban", client, "--for", "4w");
      await daemon.api("/api/enforcers/apache-include/apply", "POST");
    };
    await ban(good!);
    await refused(apache, good!);

    await ban(bad!);
    await served(apache, bad!);
    await refused(apache, good!);
    const status = await daemon.cli("status");
    expect(status.exitStatus).toBe(1);
    expect(status.stdout).toMatch(
      /problem: apache-include: Apache did not serve with generation 2; the list is held to generation 1 since .*; held back: 198\.51\.100\.2\/32\n +hint: .*sekisho apache resume/,
    );
    await expect
      .poll(hook.texts)
      .toContainEqual(
        expect.stringMatching(/^enforcer apache-include: Apache did not serve with generation 2/),
      );
    expect((await daemon.cli("apache", "generations")).stdout).toMatch(
      /Held to generation 1 from .*Apache did not serve with generation 2; 1 target held back/,
    );

    rmSync(trouble);
    expect((await daemon.cli("apache", "resume")).stdout).toBe(
      "the list is held no more; in force: 2 blocks\n",
    );
    await refused(apache, bad!);
    expect((await daemon.cli("status")).exitStatus).toBe(0);
    await expect
      .poll(hook.texts)
      .toContainEqual(expect.stringMatching(/^no more: enforcer apache-include: Apache did not serve/));
  },
);
