import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type { Status } from "../../src/model/api.ts";
import { TREES } from "../apache-config/trees.ts";
import { Machine } from "../machine.ts";
import { missing } from "../requirements.ts";
import { SEKISHO } from "./command-line.ts";

const json = <T>(machine: Machine, ...args: string[]): T =>
  JSON.parse(machine.run(SEKISHO, ...args).stdout) as T;

describe.skipIf(missing("root", "apache2", "netns"))("from Apache's configuration to the first event", () => {
  test("init writes what check finds nothing wrong with, and run reads each request once", async () => {
    const tree = TREES["a Debian with many sites"]!;
    await using machine = await Machine.start(tree.files);
    machine.shell(`${tree.start} && while [ ! -e /run/apache2/apache2.pid ]; do sleep 0.05; done`);

    const visitEach = () => {
      for (const [port, host] of tree.hosts) machine.get(port, `/${host}`, { host });
    };
    visitEach();

    const written = machine.run(SEKISHO, "init", "--write");
    expect([written.exitStatus, written.stderr]).toEqual([0, ""]);
    expect(written.stdout).toContain(
      `Written: /etc/sekisho/sekisho.yaml.\nNow: ${SEKISHO} check && ${SEKISHO} run\n`,
    );
    const checked = machine.run(SEKISHO, "check");
    expect([checked.exitStatus, checked.stderr]).toEqual([0, ""]);

    const daemon = machine.spawn(SEKISHO, ["run"]);
    let said = "";
    daemon.stdout!.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await expect.poll(() => said).toContain("Dashboard: ");
    const events = () => json<Status>(machine, "status", "--json").events;
    await expect.poll(() => events().access).toBe(tree.hosts.length);
    visitEach();
    await expect.poll(() => events().access).toBe(2 * tree.hosts.length);
    expect(events().unparsed).toBe(0);
    daemon.kill("SIGTERM");
    await once(daemon, "exit");
  });

  test("with the snippet in Apache, what init writes has enforcers that check finds ready", async () => {
    const tree = TREES["Debian's as it is shipped"]!;
    await using machine = await Machine.start(tree.files);
    machine.shell(
      `${SEKISHO} apache snippet > /etc/apache2/conf-enabled/sekisho.conf && ${tree.start} &&
       while [ ! -e /run/apache2/apache2.pid ]; do sleep 0.05; done`,
    );
    const written = machine.run(SEKISHO, "init", "--write");
    expect([written.exitStatus, written.stderr]).toEqual([0, ""]);
    expect(written.stdout).toContain("a2enmod log_debug");
    const checked = machine.run(SEKISHO, "check");
    expect([checked.exitStatus, checked.stderr]).toEqual([0, ""]);
    expect(checked.stdout).toMatch(/apache-directory.+apache-include.+Nothing is in the way/s);

    // By hand the mode is set; the configuration still is that of this Apache, and keeps it.
    machine.shell("sed -i 's/^mode: observe/mode: enforce/' /etc/sekisho/sekisho.yaml");
    const again = machine.run(SEKISHO, "init", "--write", "--force");
    expect([again.exitStatus, again.stderr]).toEqual([0, ""]);
    expect(again.stdout).toContain("says all of this already");
    expect(machine.shell("head -n 3 /etc/sekisho/sekisho.yaml").join("\n")).toContain("mode: enforce");
  });

  test("run without a configuration says that init makes one", async () => {
    await using machine = await Machine.start({});
    machine.shell("touch /var/log/apache2/access.log");
    const daemon = machine.spawn("sh", ["-c", `cd /var/lib && exec ${SEKISHO} run`]);
    let said = "";
    daemon.stdout!.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await expect.poll(() => said).toContain("Dashboard: ");
    expect(said).toContain(`\`${SEKISHO} init\` makes one from Apache's own.`);
    daemon.kill("SIGTERM");
    await once(daemon, "exit");
  });
});
