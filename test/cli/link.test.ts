import { expect, test } from "vitest";
import { codeOf } from "../serve/running-server.ts";
import { daemon, run } from "./daemon.ts";

test("a link is printed that signs in once, over ssh with the way to one's own computer", async () => {
  const { cwd, server } = await daemon();
  const { status, stdout } = await run(["link"], { cwd });
  expect([status, stdout]).toEqual([
    0,
    expect.stringMatching(
      /^Dashboard: http:\/\/127\.0\.0\.1:\d+\/#code=\S{43}\n {2}The link signs in once, within ten minutes\.\n$/,
    ),
  ]);
  const enter = async (): Promise<number> => {
    const body = JSON.stringify({ code: codeOf(/http:\S+/.exec(stdout)![0]) });
    const headers = { "content-type": "application/json" };
    return (await fetch(`${server.url}/api/session`, { method: "POST", headers, body })).status;
  };
  expect([await enter(), await enter()]).toEqual([204, 401]);
  const env = { SSH_CONNECTION: "203.0.113.7 50022 192.0.2.1 22" };
  expect((await run(["link"], { cwd, env })).stdout).toMatch(
    /On your own computer first: ssh -L (\d+):127\.0\.0\.1:\1 192\.0\.2\.1\n$/,
  );
});

test("where the page has a name the link has it, so that it works on a phone", async () => {
  const { cwd } = await daemon({}, ["sekisho.example.com"]);
  expect((await run(["link"], { cwd })).stdout).toMatch(
    /^Dashboard: https:\/\/sekisho\.example\.com(\/#code=\S{43})\n.*\n {2}Where that name .*: http:\/\/127\.0\.0\.1:\d+\1\n$/,
  );
});

test("without a daemon it says so, with status 3", async () => {
  expect(await run(["link"], { cwd: "/" })).toMatchObject({ status: 3, stdout: "" });
});
