import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Progress, Spool } from "../../src/receive/spool.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const unread = (): Progress => "unread";
const lines = (count: number, mark: string): Buffer => Buffer.from(`${mark.repeat(9)}\n`.repeat(count));
const LIMITS = { rotateAt: 1_000, fullAt: 3_000 };

test("what is appended is in the file, in order, and only its owner may read it", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "audit/chat.jsonl");
  await using spool = new Spool(file, unread);
  await Promise.all([spool.append(lines(2, "a")), spool.append(lines(1, "b"))]);
  expect(readFileSync(file, "utf8")).toBe("aaaaaaaaa\naaaaaaaaa\nbbbbbbbbb\n");
  expect([statSync(file).mode & 0o777, statSync(join(folder.path, "audit")).mode & 0o777]).toEqual([
    0o600, 0o700,
  ]);
});

test.each([
  ["one\ntwo\nthr", "one\ntwo\n"],
  ["thr", ""],
  [`one\n${"x".repeat(200_000)}`, "one\n"],
  ["one\n", "one\n"],
])("half a line that a kill left is taken off: %j", async (left, kept) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "chat.jsonl");
  writeFileSync(file, left);
  await using spool = new Spool(file, unread);
  await spool.append(Buffer.from("next\n"));
  expect(readFileSync(file, "utf8")).toBe(`${kept}next\n`);
});

test("a file that has grown becomes a generation once it was begun and the one before it was read", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "chat.jsonl");
  const progress: Record<string, Progress> = { [file]: "unread", [`${file}.1`]: "begun" };
  await using spool = new Spool(file, (each) => progress[each]!, { rotateAt: 1_000, fullAt: 1_000_000 });
  await spool.append(lines(100, "a"));
  await spool.append(lines(1, "b"));
  expect(existsSync(`${file}.1`)).toBe(false);
  progress[file] = "begun";
  // It is not looked at for each block.
  while (!existsSync(`${file}.1`)) await spool.append(lines(1, "c"));
  const generation = readFileSync(`${file}.1`, "utf8");
  expect(generation).toMatch(/^(a{9}\n){100}b{9}\n(c{9}\n)*$/);
  await spool.append(lines(101, "d"));
  for (let n = 0; n < 10; n++) await spool.append(lines(1, "d"));
  expect(readFileSync(`${file}.1`, "utf8")).toBe(generation);
  progress[`${file}.1`] = "read";
  while (readFileSync(`${file}.1`, "utf8") === generation) await spool.append(lines(1, "d"));
  expect(readFileSync(`${file}.1`, "utf8")).toMatch(/^(c{9}\n)*(d{9}\n)+$/);
});

test("a full file takes no more and holds senders back, until what is in it has been read; nothing is lost", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "chat.jsonl");
  let progress: Progress = "unread";
  await using spool = new Spool(file, () => progress, LIMITS);
  await spool.append(lines(300, "a"));
  const waiting = spool.append(lines(1, "b"));
  const isHeldBack = (): boolean => spool.holdBack(() => {});
  while (!isHeldBack()) await new Promise((resolve) => setImmediate(resolve));
  const resumed = new Promise<void>((resolve) => expect(spool.holdBack(resolve)).toBe(true));
  expect(statSync(file).size).toBe(3_000);
  progress = "read";
  await Promise.all([waiting, resumed]);
  expect(isHeldBack()).toBe(false);
  expect([readFileSync(`${file}.1`, "utf8").length, readFileSync(file, "utf8")]).toEqual([
    3_000,
    "bbbbbbbbb\n",
  ]);
});

test("a disk that is full holds senders back, says so, and is tried again", async () => {
  // Every write to it fails as on a full disk.
  const spool = new Spool("/dev/full", unread);
  void spool.append(Buffer.from("x\n"));
  while (spool.problem === null) await new Promise((resolve) => setImmediate(resolve));
  expect(spool.problem).toMatchObject({
    code: "DISK_FULL",
    hint: expect.stringMatching(/apps .* wait/) as string,
  });
  expect(spool.holdBack(() => {})).toBe(true);
  await spool[Symbol.asyncDispose]();
});

test("a folder that cannot be made is an error that says so", () => {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, "data"));
  appendFileSync(join(folder.path, "data/audit"), "");
  expect(() => new Spool(join(folder.path, "data/audit/chat.jsonl"), unread)).toThrowError(
    expect.objectContaining({ code: "DATA_DIRECTORY" }) as Error,
  );
});
