import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { backupCommand } from "../../src/cli/backup.ts";
import { backUp } from "../../src/cli/database-copy.ts";
import { asNobody } from "../config/as-nobody.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";

/** A write-ahead database with some rows, still open for its writer as a running daemon has it. */
function runningDatabase(rows = 1_000) {
  const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []", "data/.keep": "" });
  const file = join(cwd, "data/sekisho.sqlite");
  const database = new Database(file);
  onTestFinished(() => void database.close());
  database.pragma("journal_mode = WAL");
  database.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)");
  const insert = database.prepare("INSERT INTO rows (text) VALUES (?)");
  database.transaction(() => {
    for (let row = 0; row < rows; row++) insert.run("x".repeat(200));
  })();
  return { cwd, file, database };
}

const backup = (cwd: string, file: string) =>
  commandLine(["backup", file], (context) => [backupCommand(context)], { cwd });
const rowsIn = (file: string): unknown => {
  const copy = new Database(file, { readonly: true });
  try {
    return copy.prepare("SELECT count(*) FROM rows").pluck().get();
  } finally {
    copy.close();
  }
};

describe("a backup", () => {
  test("of a database that this user may not read says so, and not that there is none", () => {
    const { file, cwd } = runningDatabase(1);
    chmodSync(join(cwd, "data"), 0);
    const module = join(import.meta.dirname, "../../src/cli/database-copy.ts");
    const body = `try { await backUp(${JSON.stringify(file)}, "/nowhere/x") } catch ({ message, hint }) { return { message, hint } }`;
    expect(asNobody(module, "backUp", body)).toEqual({
      message: `cannot read ${file}: no permission`,
      hint: expect.stringContaining("sudo -u sekisho"),
    });
    chmodSync(join(cwd, "data"), 0o700);
  });

  test("does not go to standard output, and makes no file that is called -", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []" });
    const { status, stdout, stderr } = await backup(cwd, "-");
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("hint: name a file that does not exist");
    expect(existsSync(join(cwd, "-"))).toBe(false);
  });

  test("of a database that is open for writing holds what was committed, in one file of mode 0600", async () => {
    const { cwd, database } = runningDatabase();
    database.exec("BEGIN IMMEDIATE; INSERT INTO rows (text) VALUES ('not committed')");
    const { status, stdout, stderr } = await backup(cwd, "copy.sqlite");
    database.exec("ROLLBACK");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const copy = join(cwd, "copy.sqlite");
    expect(stdout).toContain(`backed up to ${copy} (`);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(rowsIn(copy)).toBe(1_000);
    expect(readdirSync(cwd).sort()).toEqual(["copy.sqlite", "data", "sekisho.yaml"]);
  });

  test("ends although somebody writes between every two steps, and shows one moment", async () => {
    const { cwd, file, database } = runningDatabase(20_000);
    const insert = database.prepare("INSERT INTO rows (text) VALUES ('a'), ('b')");
    let writes = 0;
    let done = false;
    const write = (): void => {
      if (done) return;
      insert.run();
      writes++;
      setImmediate(write);
    };
    onTestFinished(() => {
      done = true;
    });
    write();
    await backUp(file, join(cwd, "copy.sqlite"));
    done = true;
    expect(writes).toBeGreaterThan(3);
    expect(rowsIn(join(cwd, "copy.sqlite"))).toBe(20_002);
    expect(rowsIn(file)).toBe(20_000 + 2 * writes);
  });

  test("does not overwrite a file", async () => {
    const { cwd } = runningDatabase();
    writeFileSync(join(cwd, "copy.sqlite"), "mine");
    const { status, stderr } = await backup(cwd, "copy.sqlite");
    expect(status).toBe(3);
    expect(stderr).toMatch(/copy\.sqlite exists and is not overwritten\nhint: choose another name/);
    expect(readFileSync(join(cwd, "copy.sqlite"), "utf8")).toBe("mine");
  });

  test("to a folder, or into one that is not there, says what to write", async () => {
    const { cwd } = runningDatabase();
    expect(await backup(cwd, ".")).toMatchObject({
      status: 3,
      stderr: `sekisho: ${cwd} is a folder\nhint: name a file in it: ${join(cwd, "sekisho.sqlite")}\n`,
    });
    expect(await backup(cwd, "backups/copy.sqlite")).toMatchObject({
      status: 3,
      stderr: `sekisho: ${join(cwd, "backups")}: there is no such folder\nhint: make it: mkdir -p ${join(cwd, "backups")}\n`,
    });
  });

  test("where there is no database says so and makes nothing", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []" });
    expect(await backup(cwd, "copy.sqlite")).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("there is no database at"),
    });
    expect(readdirSync(cwd)).toEqual(["sekisho.yaml"]);
  });

  test("beside a demo says that what a demo stores is not kept", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []", "data/demo.sqlite": "" });
    expect(await backup(cwd, "copy.sqlite")).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("hint: only the demo ran here, and what it stores is not kept; start"),
    });
  });

  test("of a damaged database fails and leaves no file", async () => {
    const { cwd, file, database } = runningDatabase(5_000);
    database.pragma("wal_checkpoint(TRUNCATE)");
    database.close();
    const bytes = readFileSync(file);
    bytes.fill(0xff, 8 * 4096, 40 * 4096);
    writeFileSync(file, bytes);
    expect(await backup(cwd, "copy.sqlite")).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/damaged|malformed/),
    });
    expect(existsSync(join(cwd, "copy.sqlite"))).toBe(false);
    expect(readdirSync(cwd).filter((name) => name.includes("partial"))).toEqual([]);
  });

  test("of what is no database says so, and not that the folder should be checked", async () => {
    const { cwd, file, database } = runningDatabase();
    database.close();
    writeFileSync(file, "no database ".repeat(1_000));
    const { status, stderr } = await backup(cwd, "copy.sqlite");
    expect(status).toBe(3);
    expect(stderr).toMatch(/^sekisho: .*sekisho\.sqlite: this is not an SQLite database.*\nhint: .*backup/);
  });

  test("to a folder's own name is refused", async () => {
    const { cwd } = runningDatabase();
    mkdirSync(join(cwd, "backups"));
    expect(await backup(cwd, "backups")).toMatchObject({ status: 3 });
  });
});
