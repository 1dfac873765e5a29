import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { backUp } from "../../src/cli/database-copy.ts";
import { lockData } from "../../src/store/database.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { asNobody } from "../config/as-nobody.ts";
import { access, at } from "../evaluate/events.ts";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Store } from "./store-under-test.ts";

describe("what is wrong with a database is told with a hint, and nothing in it is changed", () => {
  const codeOf = (open: () => unknown): string => {
    try {
      open();
      return "none";
    } catch (error) {
      return (error as { code: string; hint: string }).hint.length > 10
        ? (error as { code: string }).code
        : "no hint";
    }
  };

  test("not a database", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "sekisho.sqlite");
    writeFileSync(file, "this is a text file, however it is called".repeat(50));
    const before = readFileSync(file);
    expect(codeOf(() => new StoreWriter(file, 1, { now: () => at(0) }))).toBe("DATABASE_DAMAGED");
    expect(readFileSync(file)).toEqual(before);
  });

  test("a disk that fails, as a pipe in its place does", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "sekisho.sqlite");
    execFileSync("mkfifo", [file]);
    expect(codeOf(() => new StoreWriter(file, 1, { now: () => at(0) }))).toBe("DATA_DIRECTORY");
  });

  test("written by a newer Sekisho", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "sekisho.sqlite");
    const newer = new Database(file);
    newer.pragma("user_version = 99");
    newer.close();
    expect(codeOf(() => new StoreWriter(file, 1, { now: () => at(0) }))).toBe("DATABASE_NEWER");
  });

  test("held by another program", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const other = new Database(store.file, { timeout: 0 });
    other.exec("BEGIN IMMEDIATE");
    expect(codeOf(() => store.commit([access("192.0.2.7", 0)]))).toBe("DATABASE_LOCKED");
    other.exec("ROLLBACK");
    other.close();
    store.commit([access("192.0.2.7", 0)]);
    expect(store.reader.eventCounts().access).toBe(1);
  });

  test("moved away, or replaced, while it is open", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    expect(store.writer.replaced()).toBeNull();
    renameSync(store.file, `${store.file}.old`);
    expect(store.writer.replaced()).toMatchObject({
      code: "DATABASE_REPLACED",
      message: `${store.file} was moved or removed while Sekisho ran`,
    });
    copyFileSync(`${store.file}.old`, store.file);
    expect(store.writer.replaced()?.message).toBe(`${store.file} was replaced while Sekisho ran`);
  });

  test("in a folder that this user may not write", () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    const module = join(import.meta.dirname, "../../src/store/database.ts");
    const body = `try { lockData(${JSON.stringify(folder.path)}) } catch ({ message, hint }) { return { message, hint } }`;
    expect(asNobody(module, "lockData", body)).toEqual({
      message: `no permission to write ${folder.path}`,
      hint: expect.stringContaining("sudo -u sekisho"),
    });
  });

  test.skipIf(missing("root")).each([0o600, 0o644])(
    "a backup that root has put there, with mode %o",
    (mode) => {
      using folder = temporaryFolder();
      new Store(folder.path)[Symbol.dispose]();
      const file = join(folder.path, "sekisho.sqlite");
      writeFileSync(`${file}-wal`, "");
      chmodSync(file, mode);
      chmodSync(folder.path, 0o777);
      const module = join(import.meta.dirname, "../../src/store/database.ts");
      const body = `try { openForWriting(${JSON.stringify(file)}) } catch ({ code, hint }) { return { code, hint } }`;
      expect(asNobody(module, "openForWriting", body)).toEqual({
        code: "DATA_DIRECTORY",
        hint: "check who owns the data folder and its files",
      });
    },
  );

  test("in use by another Sekisho", () => {
    using folder = temporaryFolder();
    using _held = lockData(folder.path);
    expect(codeOf(() => lockData(folder.path))).toBe("DATA_IN_USE");
  });

  test("only its owner can read it", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    expect(statSync(store.file).mode & 0o777).toBe(0o600);
  });

  test.skipIf(missing("root"))("opened on a full disk", () => {
    using folder = temporaryFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "sekisho-test", folder.path]);
    try {
      new Store(folder.path)[Symbol.dispose]();
      const ballast = join(folder.path, "ballast");
      expect(() => writeFileSync(ballast, Buffer.alloc(2 << 20))).toThrow("ENOSPC");
      expect(codeOf(() => new Store(folder.path))).toBe("DISK_FULL");
      execFileSync("rm", [ballast]);
      expect(codeOf(() => new Store(folder.path)[Symbol.dispose]())).toBe("none");
    } finally {
      execFileSync("umount", ["-l", folder.path]);
    }
  });

  test.skipIf(missing("root"))("on a full disk, after which the same batch is stored", () => {
    using folder = temporaryFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "sekisho-test", folder.path]);
    try {
      using store = new Store(folder.path);
      const ballast = join(folder.path, "ballast");
      const events = Array.from({ length: 200 }, (_, n) =>
        access("192.0.2.7", n, { path: `/${n}/${"x".repeat(200)}` }),
      );
      store.commit(events);
      writeFileSync(
        ballast,
        Buffer.alloc(1_800_000 - statSync(store.file).size - statSync(`${store.file}-wal`).size),
      );
      let stored = 1;
      const fill = () => {
        for (; stored < 100; stored++)
          store.commit(
            events.map((event) => ({ ...event, path: `/${stored}${event.kind}${"y".repeat(100)}` })),
          );
      };
      expect(codeOf(fill)).toBe("DISK_FULL");
      expect(store.reader.eventCounts().access).toBe(200 * stored);
      execFileSync("rm", [ballast]);
      store.commit(events);
      expect(store.reader.eventCounts().access).toBe(200 * (stored + 1));
      expect(existsSync(store.file)).toBe(true);
    } finally {
      execFileSync("umount", ["-l", folder.path]);
    }
  });
});

test("a backup that is copied over an open database is whole afterwards", async () => {
  using folder = temporaryFolder();
  const backup = join(folder.path, "backup.sqlite");
  {
    using store = new Store(folder.path);
    store.commit(Array.from({ length: 500 }, (_, n) => access("192.0.2.7", n, { path: `/before/${n}` })));
    await backUp(store.file, backup);
    store.commit(Array.from({ length: 500 }, (_, n) => access("192.0.2.7", n, { path: `/after/${n}` })));
    writeFileSync(store.file, readFileSync(backup));
    expect(store.writer.replaced()?.message).toContain("was replaced while Sekisho ran");
    // Of lines that came meanwhile.
    store.commit([access("192.0.2.7", 600)]);
  }
  expect(readFileSync(join(folder.path, "sekisho.sqlite"))).toEqual(readFileSync(backup));
  using again = new Store(folder.path);
  expect(again.reader.eventCounts().access).toBe(500);
});

test("a backup in the place of a database that was killed does not take that one's write-ahead log for its own", async () => {
  using folder = temporaryFolder();
  const backup = join(folder.path, "backup.sqlite");
  using restored = temporaryFolder();
  {
    using store = new Store(folder.path);
    store.commit(Array.from({ length: 500 }, (_, n) => access("192.0.2.7", n, { path: `/before/${n}` })));
    await backUp(store.file, backup);
    store.commit(Array.from({ length: 500 }, (_, n) => access("192.0.2.7", n, { path: `/after/${n}` })));
    // As a kill leaves it: the log is there.
    for (const ending of ["-wal", "-shm"])
      copyFileSync(store.file + ending, join(restored.path, `sekisho.sqlite${ending}`));
    expect(statSync(join(restored.path, "sekisho.sqlite-wal")).size).toBeGreaterThan(0);
  }
  copyFileSync(backup, join(restored.path, "sekisho.sqlite"));
  using store = new Store(restored.path);
  expect(store.reader.eventCounts().access).toBe(500);
  store.commit([access("192.0.2.7", 600)]);
  const check = new Database(store.file, { readonly: true });
  expect(check.pragma("integrity_check", { simple: true })).toBe("ok");
  check.close();
});
