/** Logs of which folders, too, are named by stars: one folder for each vhost. */
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { foldersOf, logPattern, MOST_FOLDERS, matchingFiles } from "../../src/tail/log-pattern.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";
import { eventually, Running } from "./running.ts";

function write(path: string, text = ""): void {
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, text);
}

test("a star stands for what is within one name, and hidden folders are no star's", () => {
  using folder = temporaryFolder();
  const www = join(folder.path, "www");
  for (const path of [
    "a/logs/access.log",
    "b/logs/access.log",
    "b/logs/access.log.1",
    "b/old/access.log",
    "c/deeper/logs/access.log",
    ".snapshot/logs/access.log",
    "empty/index.html",
  ])
    write(join(www, path));
  writeFileSync(join(www, "index.html"), "");
  const files = (path: string) =>
    matchingFiles(logPattern(join(www, path))).map((each) => each.slice(www.length + 1));
  expect(files("*/logs/access.log")).toEqual(["a/logs/access.log", "b/logs/access.log"]);
  expect(files("*/*/acc*.log")).toEqual(["a/logs/access.log", "b/logs/access.log", "b/old/access.log"]);
  expect(files("?/*/logs/*.log")).toEqual(["c/deeper/logs/access.log"]);
  expect(files(".*/logs/access.log")).toEqual([]);
  const { matches } = logPattern("/www/*/logs/*.log");
  expect(["/www/a/logs/x.log", "/www/a/b/logs/x.log", "/www/logs/x.log"].map(matches)).toEqual([
    true,
    false,
    false,
  ]);
});

test("the folder of a new vhost is picked up live, and one that is deleted and comes back", async () => {
  using folder = temporaryFolder();
  const log = (name: string) => join(folder.path, "www", name, "logs/access.log");
  write(log("a"), "a 1\n");
  await using running = new Running(log("*"), new Registry());
  await running.has(1);
  mkdirSync(join(folder.path, "www/b"));
  write(log("b"), "b 1\n");
  await running.has(2);
  rmSync(join(folder.path, "www/b"), { recursive: true });
  await eventually(() => running.problem()?.code ?? running.tailer.status()[1]?.problem?.code).toBe(
    "LOG_MISSING",
  );
  write(log("b"), "b again 1\n");
  await running.has(3);
  appendFileSync(log("b"), "b again 2\n");
  renameSync(log("a"), `${log("a")}.1`);
  write(log("a"), "a 2\n");
  await running.has(5);
  expect(running.lines.toSorted()).toEqual(["a 1", "a 2", "b 1", "b again 1", "b again 2"]);
  expect(running.tailer.watchProblem).toBeNull();
});

test("a folder in which there is no log yet, a file in a folder's place and a link to itself are passed over", async () => {
  using folder = temporaryFolder();
  const www = join(folder.path, "www");
  mkdirSync(join(www, "empty"), { recursive: true });
  writeFileSync(join(www, "file"), "");
  symlinkSync("loop", join(www, "loop"));
  write(join(www, "z/logs/access.log"), "z 1\n");
  await using running = new Running(join(www, "*/logs/access.log"), new Registry());
  await running.has(1);
  mkdirSync(join(www, "empty/logs"));
  writeFileSync(join(www, "empty/logs/access.log"), "no more\n");
  await running.has(2);
  expect(running.tailer.status().map(({ problem }) => problem)).toEqual([null, null]);
});

test("files in the place of folders do not count as such, however many there are", () => {
  using folder = temporaryFolder();
  for (let n = 0; n <= MOST_FOLDERS; n++) writeFileSync(join(folder.path, `file${n}`), "");
  const log = join(folder.path, "site/access.log");
  write(log);
  symlinkSync("site", join(folder.path, "link"));
  const pattern = logPattern(join(folder.path, "*/access.log"));
  expect(matchingFiles(pattern)).toEqual([join(folder.path, "link/access.log"), log]);
});

/** How many watches this process has. */
const watches = (): number => {
  const listed = spawnSync("sh", [
    "-c",
    `cat /proc/${process.pid}/fdinfo/* 2>/dev/null | grep -c "^inotify wd"`,
  ]);
  return Number(listed.stdout.toString());
};

test("no more than five hundred folders are watched, and logs in the others are read all the same", async () => {
  using folder = temporaryFolder();
  const log = (n: number | "*") => join(folder.path, `${n}/access.log`);
  for (let n = 0; n < 600; n++) write(log(n), "one\n");
  const before = watches();
  await using running = new Running(log("*"), new Registry());
  await running.has(600);
  for (let n = 0; n < 600; n++) appendFileSync(log(n), "two\n");
  await running.has(1_200);
  // And the folder that they are in.
  await expect.poll(watches).toBe(before + 500 + 1);
});

test("whoever can make folders cannot keep the tailer busy with more than five thousand, which is told", async () => {
  using folder = temporaryFolder();
  const home = join(folder.path, "home");
  write(join(home, "0/0/access.log"), "one\n");
  // Few real folders, by which 71 times 71 can be reached.
  for (let n = 1; n <= 70; n++) mkdirSync(join(home, "0", String(n)));
  for (let n = 1; n <= 70; n++) symlinkSync("0", join(home, String(n)));
  const pattern = join(home, "*/*/access.log");
  expect(foldersOf(logPattern(pattern)).length).toBe(5_001);
  await using running = new Running(pattern, new Registry());
  await eventually(() => running.lines.length).toBeGreaterThan(0);
  expect(running.tailer.watchProblem).toMatchObject({
    code: "LOG_UNWATCHED",
    message: expect.stringContaining("more than 5000 folders"),
  });
});
