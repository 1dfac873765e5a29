import { expect, test } from "vitest";
import { listsCommand } from "../../src/cli/lists.ts";
import type { ListStatus } from "../../src/model/api.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { MemoryBackend } from "../serve/memory-backend.ts";
import { runServer, TestClock, TOKEN } from "../serve/running-server.ts";
import { list } from "../serve/samples.ts";
import { commandLine } from "./command-line.ts";

async function lists(known: readonly ListStatus[], ...argv: string[]) {
  const backend = new MemoryBackend(new TestClock());
  backend.allLists.push(...known);
  const { server } = await runServer({ backend });
  const cwd = folderWith({
    "sekisho.yaml": "data: data\nlogs: []",
    "data/token": `${TOKEN}\n`,
    "data/daemon.json": JSON.stringify({ pid: process.pid, url: server.url }),
  });
  const ran = await commandLine(["lists", ...argv], (context) => [listsCommand(context)], { cwd });
  return { ...ran, backend };
}
const AWAY = { ...list("away"), error: "list away cannot be had: \x1b[2J", hint: "wait" };

test("each list is shown with its source, and a problem of one is the answer no", async () => {
  const fine = await lists([list("drop")]);
  expect(fine).toMatchObject({ status: 0, stderr: "" });
  expect(fine.stdout).toMatch(
    /^ok +drop +block +4 entries +never fetched +https:\/\/lists\.example\/drop\.txt\n$/,
  );
  const both = await lists([list("drop"), AWAY]);
  expect(both.status).toBe(1);
  expect(both.stdout).toContain("\nproblem: list away cannot be had: \\x1b[2J\n   hint: wait\n");
  expect((await lists([])).stdout).toContain("No list is imported.");
});

test("--fetch fetches all of them, or the one that is named", async () => {
  const all = await lists([list("drop"), list("a b")], "--fetch", "--json");
  const { items } = JSON.parse(all.stdout) as { items: ListStatus[] };
  expect(items).toEqual(all.backend.allLists);
  expect(items.every(({ fetchedAt }) => fetchedAt !== null)).toBe(true);
  const one = await lists([list("drop"), list("a b")], "a b", "--fetch");
  expect(one.backend.allLists.map(({ fetchedAt }) => fetchedAt !== null)).toEqual([false, true]);
  expect(one.stdout).not.toContain("drop ");
});

test("a name that no list has is told with those that there are", async () => {
  expect(await lists([list("drop"), list("cdn")], "dorp")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("there is no list 'dorp'\nhint: there are: drop, cdn"),
  });
});
