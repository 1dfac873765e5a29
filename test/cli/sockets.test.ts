import { expect, test } from "vitest";
import { socketsCommand } from "../../src/cli/sockets.ts";
import type { SocketItem } from "../../src/model/api.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { MemoryBackend } from "../serve/memory-backend.ts";
import { runServer, TestClock, TOKEN } from "../serve/running-server.ts";
import { socket } from "../serve/samples.ts";
import { commandLine } from "./command-line.ts";

async function sockets(argv: readonly string[], held: readonly SocketItem[]) {
  const backend = new MemoryBackend(new TestClock());
  backend.allSockets.push(...held);
  const { server } = await runServer({ backend });
  const cwd = folderWith({
    "sekisho.yaml": "data: data\nlogs: []",
    "data/token": `${TOKEN}\n`,
    "data/daemon.json": JSON.stringify({ pid: process.pid, url: server.url }),
  });
  return commandLine(["sockets", ...argv], (context) => [socketsCommand(context)], { cwd });
}

const HELD: readonly SocketItem[] = [
  socket(3, "open", "192.0.2.7"),
  { ...socket(2, "closed", "2001:db8::1"), origin: null, bytesIn: 300, bytesOut: 2_048 },
  { ...socket(1, "closed", "192.0.2.8"), status: 403, path: "/ws\x1b[2J" },
];

test("lists who holds which WebSocket open, from which page and since when", async () => {
  const grouped = await sockets([], HELD);
  expect(grouped.stdout).toMatch(
    /192\.0\.2\.7 +1 +2026-11-20 12:00 UTC +https:\/\/evil\.example +foreign +site\.example\/ws\n$/,
  );
  const { status, stdout, stderr } = await sockets(["--each"], HELD);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/192\.0\.2\.7 +2026-11-20 12:00 UTC +https:\/\/evil\.example +site\.example\/ws\n$/);
  expect(stdout).not.toContain("2001:db8::1");
});

test("--all shows those that ended too, with what they carried, and which the app refused", async () => {
  const { stdout } = await sockets(["--all"], HELD);
  expect(stdout).toMatch(/2001:db8::1 .+ closed +5s +300 B +2\.0 KiB +none sent/);
  expect(stdout).toMatch(/192\.0\.2\.8 .+ refused, 403 +5s +- +-/);
  expect(stdout).toContain("/ws\\x1b[2J");
  expect(stdout).not.toContain("\x1b");
});

test("--json prints what the daemon says and nothing else", async () => {
  const { stdout } = await sockets(["--json"], HELD);
  expect(JSON.parse(stdout)).toEqual({ items: [HELD[0]], next: null });
});

test("where no opening was ever told, says what Apache needs for it", async () => {
  for (const argv of [[], ["--each"], ["--all"]]) {
    const { stdout } = await sockets(argv, []);
    for (const part of ["sekisho apache snippet", "a2enmod log_debug", "docs/apache.md"])
      expect(stdout).toContain(part);
  }
});
