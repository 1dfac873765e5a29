import { spawnSync } from "node:child_process";
import { chmodSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { asNobody } from "../config/as-nobody.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { TOKEN } from "../serve/running-server.ts";
import { daemon, run } from "./daemon.ts";

describe("the daemon", () => {
  test("that never ran is status 3, with how to start it", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data" });
    const { status, stderr } = await run(["status"], { cwd });
    expect(status).toBe(3);
    expect(stderr).toMatch(/^sekisho: the daemon is not running: .*\nhint: start it with: sekisho run/);
  });

  test("that crashed is not asked: its port may belong to somebody else now, who must not get the token", async () => {
    const { cwd, server } = await daemon();
    const { pid } = spawnSync("true");
    writeFileSync(join(cwd, "data/daemon.json"), JSON.stringify({ pid, url: server.url }));
    expect(await run(["status"], { cwd })).toMatchObject({
      status: 3,
      stderr: expect.stringContaining(`process ${pid} is gone`),
    });
  });

  test("whose port is closed is status 3", async () => {
    const { cwd, server } = await daemon();
    await server.close();
    expect(await run(["status"], { cwd })).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("nothing listens at"),
    });
  });

  test("is found by the configured address where daemon.json is not there", async () => {
    const { server, cwd } = await daemon();
    const { port } = new URL(server.url);
    writeFileSync(
      join(cwd, "sekisho.yaml"),
      `data: other\nlogs: []\ndashboard: { listen: 127.0.0.1:${port} }`,
    );
    expect(await run(["status"], { cwd, env: { SEKISHO_TOKEN: TOKEN } })).toMatchObject({ status: 0 });
  });

  test("named by --config is the one that is asked", async () => {
    const { cwd } = await daemon();
    expect(await run(["status", "--config", join(cwd, "sekisho.yaml")], { cwd: "/" })).toMatchObject({
      status: 0,
    });
  });

  test("that does not accept the token is status 3; SEKISHO_TOKEN wins over the file", async () => {
    const { cwd } = await daemon();
    const { status, stderr } = await run(["status"], { cwd, env: { SEKISHO_TOKEN: "not-the-right-token" } });
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /^sekisho: the daemon at \S+ does not accept this token\nhint: unset SEKISHO_TOKEN/,
    );
  });

  test("whose token this user may not read says who can", async () => {
    const { cwd } = await daemon();
    chmodSync(join(cwd, "data/token"), 0o600);
    chmodSync(join(cwd, "data"), 0o755);
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) chmodSync(join(cwd, "data/token"), 0);
    const module = join(import.meta.dirname, "../../src/cli/client.ts");
    const context = `{ cwd: ${JSON.stringify(cwd)}, env: {} }`;
    const body = `try { await connectToDaemon(${context}) } catch ({ code, hint }) { return { code, hint } }`;
    const loadedLater = { [join(import.meta.dirname, "../../src/config/load.ts")]: "loadWhereabouts" };
    expect(asNobody(module, "connectToDaemon", body, loadedLater)).toEqual({
      code: "DAEMON_REFUSED",
      hint: expect.stringContaining("sudo -u sekisho"),
    });
  });

  test.each([
    ["a page", 200, "<html>"],
    ["an error page", 500, "<html>"],
    ["an error of another kind", 500, '{"oops":1}'],
  ])("that is another program answering %s is status 3", async (_name, status, body) => {
    const other = createServer((_request, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const cwd = folderWith({ "sekisho.yaml": `data: data\ndashboard: { listen: 127.0.0.1:${port} }` });
    const outcome = await run(["status"], { cwd, env: { SEKISHO_TOKEN: TOKEN } });
    expect(outcome).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("does not answer as Sekisho does"),
    });
  });

  test("is not followed to another address: the token would go along", async () => {
    let followed = false;
    const other = createServer((request, response) => {
      if (request.url === "/stolen") followed = true;
      response.writeHead(307, { location: "/stolen" }).end();
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const cwd = folderWith({ "sekisho.yaml": `data: data\ndashboard: { listen: 127.0.0.1:${port} }` });
    expect(await run(["status"], { cwd, env: { SEKISHO_TOKEN: TOKEN } })).toMatchObject({ status: 3 });
    expect(followed).toBe(false);
  });

  test("is asked though its configuration has a mistake elsewhere, which is told", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "192.0.2.7"], { cwd });
    writeFileSync(join(cwd, "sekisho.yaml"), "data: data\nmod: enforce\nlogs: 7\n");
    const { status, stdout, stderr } = await run(["unban", "192.0.2.7"], { cwd });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "unbanned 192.0.2.7/32\n" });
    expect(stderr).toMatch(
      /^warning: the configuration has problems.*\n +\S*sekisho.yaml:2:1: mod: unknown key; did you mean mode\?\n/,
    );
    expect(backend.allBans).toMatchObject([{ state: "revoked" }]);
  });

  test("that started with the configuration as it is has checked it, so nobody else does", async () => {
    const { cwd, server } = await daemon();
    const config = join(cwd, "sekisho.yaml");
    const told = join(cwd, "data/daemon.json");
    const inAnHour = Date.now() / 1000 + 3600;
    writeFileSync(config, "data: data\nmod: enforce\n");
    const startedWith = (config: string): void => {
      writeFileSync(told, JSON.stringify({ pid: process.pid, url: server.url, config }));
      utimesSync(told, inAnHour, inAnHour);
    };
    startedWith(config);
    expect(await run(["status"], { cwd })).toMatchObject({ status: 0, stderr: "" });
    startedWith("/etc/sekisho/sekisho.yaml");
    expect((await run(["status"], { cwd })).stderr).toContain("the configuration has problems");
    startedWith(config);
    utimesSync(told, 1, 1);
    expect((await run(["status"], { cwd })).stderr).toContain("the configuration has problems");
  });

  test.each([
    "data: [",
    "data: 7",
    "data: data\ndashboard: { listen: nowhere }",
    "data: data\ndashbord: {}",
    "[]",
  ])("is not asked with the configuration %j, which does not say where it is", async (yaml) => {
    const { cwd } = await daemon();
    writeFileSync(join(cwd, "sekisho.yaml"), yaml);
    expect(await run(["status"], { cwd })).toMatchObject({ status: 2, stdout: "" });
  });

  test("with a wrong configuration is not asked; the mistake is shown", async () => {
    const cwd = folderWith({ "sekisho.yaml": "dta: x" });
    const { status, stderr } = await run(["status"], { cwd });
    expect(status).toBe(2);
    expect(stderr).toContain("sekisho.yaml:1:1: dta: unknown key; did you mean data?");
  });
});
