import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { notifyCommand } from "../../src/cli/notify.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/notify-channels.ts";

const notify = (config: string) =>
  commandLine(["notify"], (context) => [notifyCommand(context)], {
    cwd: folderWith({ "sekisho.yaml": config }),
  });

test("notify sends each channel one message and says which took it", async () => {
  const taken: string[] = [];
  const server = createServer((request, response) => {
    taken.push(request.url!);
    request.resume();
    response.writeHead(request.url === "/bad" ? 404 : 204).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const entry = (to: string, path: string) =>
    `  - { to: ${to}, url: "${url}${path}", minSeverity: critical }\n`;
  const fine = await notify(`notifications:\n${entry("slack", "/a")}${entry("ntfy", "/b")}`);
  expect(fine).toMatchObject({ status: 0, stderr: "" });
  expect(fine.stdout).toMatch(
    /^slack at .*: took the message\nntfy at .*\n2 messages sent; look whether they arrived\n$/,
  );
  const half = await notify(`notifications:\n${entry("teams", "/bad")}${entry("discord", "/c")}`);
  expect(half).toMatchObject({ status: 1, stderr: expect.stringMatching(/teams at .* it answered 404/) });
  expect(half.stdout).toMatch(/^discord at .*: took the message\n$/);
  expect(taken).toEqual(["/a", "/b", "/bad", "/c"]);
  server.close();
});

test("notify says what is missing or wrong in the configuration", async () => {
  expect(await notify("mode: observe")).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/names nobody/),
  });
  for (const [entry, problem] of [
    ["{ to: slack }", /url: is missing, and slack needs it/],
    ["{ to: email, url: 'https://a.example/' }", /server: is missing, and email needs it/],
    ["{ to: slack, url: 'ftp://a.example/' }", /is not a web address/],
    ["{ to: pager, url: 'https://a.example/' }", /to: .*pager/],
  ] as const)
    expect(await notify(`notifications: [${entry}]`)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(problem),
    });
});
