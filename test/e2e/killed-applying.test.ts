import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import type { GenerationList } from "../../src/model/generation.ts";
import { type Apache, startApache } from "../apache.ts";
import { missing } from "../requirements.ts";
import { DaemonUnderTest } from "./daemon.ts";
import { refused, statusOf } from "./guarded-apache.ts";

const BEFORE = "203.0.113.7";
const SPARED = "203.0.113.9";
const NEVER = "";

/** An Apache with the list alone, and a daemon beside it that kills itself, or is killed by Apache's control program, on the way. */
async function startBoth() {
  const apache = await startApache({
    config: (root) =>
      apacheSnippet({
        directory: null,
        includeFile: `${root}/sekisho/blocklist.conf`,
        ...{ logFormat: "%a", tlsLogFormat: "%a", openingMessage: "m" },
      }),
  });
  const killedAt = join(apache.root, "killed-at");
  const arm = (moment: string) => writeFileSync(killedAt, moment);
  arm(NEVER);
  // Sekisho has started this program, so its parent is the daemon.
  const control = join(apache.root, "killing-control");
  writeFileSync(
    control,
    `#!/bin/sh
reach() { if [ "$1" = "$(cat ${killedAt})" ]; then kill -9 $PPID; exit 1; fi; }
reach "before $1"
${apache.control} "$@" || exit
reach "after $1"
`,
  );
  chmodSync(control, 0o755);
  const daemon = new DaemonUnderTest(
    join(apache.root, "sekisho"),
    `mode: enforce
logs: []
enforcers:
  apache-include: { file: ${apache.root}/sekisho/blocklist.conf, control: ${control}, generations: 3 }
cut: { enabled: false }
probe: { url: http://192.0.2.1/robots.txt }
`,
    (command, args, options = {}) =>
      apache.inNamespace(command, args, {
        ...options,
        env: {
          ...process.env,
          KILLED_AT: killedAt,
          NODE_OPTIONS: `--import=${join(import.meta.dirname, "killed-at.ts")}`,
        },
      }),
  );
  return { apache, daemon, arm };
}

const apply = (daemon: DaemonUnderTest) => daemon.api("/api/enforcers/apache-include/apply", "POST");
const include = async (daemon: DaemonUnderTest) => (await daemon.status()).enforcers[0]!;
const leftovers = (apache: Apache): string[] =>
  readdirSync(join(apache.root, "sekisho"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /(^|\/)\.|doubtful/.test(name),
  );

/** Each of these is reached once while a ban comes into force. */
const MOMENTS = [
  ["the new list is written, and not in place", "before rename blocklist.conf"],
  ["it is in place, and not tested", "before configtest"],
  ["it is tested, and nobody noted it", "after configtest"],
  ["the reload begins", "before graceful"],
  ["Apache is reloaded, and no request has shown it", "after graceful"],
  ["a request has shown it, and nobody noted it", "before rename blocklist.conf.applied"],
  ["it is noted, and what was in doubt is not settled", "before rm blocklist.conf.doubtful"],
  ["it is in force, and not kept", "before rename blocklist.conf.generations/N"],
  ["it is kept, and so is one too many", "before rm blocklist.conf.generations/N"],
] as const;

test.skipIf(missing("root", "apache2", "netns"))(
  "killed at each step of bringing a list into force, the next start finds its way, and nobody passes meanwhile",
  async () => {
    const { apache, daemon, arm } = await startBoth();
    await using _ = apache;
    await using __ = daemon;
    await daemon.start();
    const banned = [BEFORE];
    await daemon.cli("ban", BEFORE, "--for", "4w");
    await apply(daemon);
    await refused(apache, BEFORE);
    for (const [number, [moment, step]] of MOMENTS.entries()) {
      arm(step);
      const target = `198.51.100.${number}`;
      await daemon.cli("ban", target, "--for", "4w");
      await apply(daemon).catch(() => {});
      await daemon.ended();
      arm(NEVER);
      for (const each of banned) expect(await statusOf(apache, each), moment).toBe(403);
      expect(await statusOf(apache, SPARED), moment).toBe(200);

      await daemon.start();
      await apply(daemon);
      banned.push(target);
      await refused(apache, target);
      for (const each of banned) expect(await statusOf(apache, each), moment).toBe(403);
      await expect
        .poll(() => include(daemon), { message: moment })
        .toMatchObject({
          state: "in-sync",
          blocks: banned.length,
          error: null,
        });
      expect(leftovers(apache), moment).toEqual([]);
      const { items } = await daemon.api<GenerationList>("/api/enforcers/apache-include/generations");
      const heading = readFileSync(join(apache.root, "sekisho/blocklist.conf"), "utf8");
      expect(heading, moment).toContain(`# Generation ${items[0]!.number}, `);
      expect(
        items.map(({ state }) => state),
        moment,
      ).toEqual(["in-force", ...items.slice(1).map(() => "former")]);
      expect(items[0], moment).toMatchObject({ targets: banned.length, added: 1, removed: 0 });
      expect(items.length).toBeLessThanOrEqual(3);
    }
    expect((await daemon.cli("apache", "generations")).stdout).toMatch(/ 10 +1 +0 +in force/);
  },
);

test.skipIf(missing("root", "apache2", "netns"))(
  "killed when Apache was reloaded and nobody had noted it, the next start lifts and blocks what changes since",
  async () => {
    const { apache, daemon, arm } = await startBoth();
    await using _ = apache;
    await using __ = daemon;
    await daemon.start();
    await daemon.cli("ban", BEFORE, "--for", "4w");
    await apply(daemon);
    for (const [change, back, status] of [
      ["ban", "unban", 200],
      ["unban", "ban", 403],
    ] as const) {
      const target = change === "ban" ? "198.51.100.1" : BEFORE;
      arm("after graceful");
      await daemon.cli(change, target);
      await apply(daemon).catch(() => {});
      await daemon.ended();
      arm(NEVER);
      await expect.poll(() => statusOf(apache, target)).toBe(status === 200 ? 403 : 200);
      await daemon.start();
      await daemon.cli(back, target);
      await apply(daemon);
      await expect.poll(() => statusOf(apache, target)).toBe(status);
    }
  },
);

test.skipIf(missing("root", "apache2", "netns"))(
  "killed while an unban waits for its reload, the next start makes it",
  async () => {
    const { apache, daemon } = await startBoth();
    await using _ = apache;
    await using __ = daemon;
    await daemon.start();
    await daemon.cli("ban", BEFORE, "--for", "4w");
    await apply(daemon);
    await refused(apache, BEFORE);
    // Half a minute after the last reload at the soonest.
    await daemon.cli("unban", BEFORE);
    await daemon.kill("SIGKILL");
    expect(await statusOf(apache, BEFORE)).toBe(403);
    await daemon.start();
    await expect.poll(() => statusOf(apache, BEFORE)).toBe(200);
  },
);
