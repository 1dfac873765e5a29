import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findProgram, printable, runProgram } from "../../src/enforce/program.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const { signal } = new AbortController();
const shell = (script: string, options: Partial<Parameters<typeof runProgram>[2]> = {}) =>
  runProgram("sh", ["-c", script], { signal, ...options });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("gives a program its input and arguments, and returns its outputs and status", async () => {
  const args = ["-c", 'cat; printf "%s" "$1" >&2; exit 7', "sh", "$(id); *"];
  expect(await runProgram("sh", args, { signal, input: "grüße" })).toEqual({
    kind: "ended",
    status: 7,
    stdout: "grüße",
    stderr: "$(id); *",
    isCut: false,
  });
});

test("an output of many megabytes comes whole, and one beyond the limit is cut", async () => {
  const length = 8 * 2 ** 20;
  const script = `head -c ${length} /dev/zero`;
  const whole = await shell(script, { maxOutput: length });
  expect(whole).toMatchObject({ kind: "ended", isCut: false });
  expect(whole.kind === "ended" && whole.stdout.length).toBe(length);
  const cut = await shell(script, { maxOutput: 10 });
  expect(cut).toMatchObject({ kind: "ended", status: 0, stdout: "\0".repeat(10), isCut: true });
});

test("an input that nobody reads is no error", async () => {
  expect(await shell("exit 3", { input: "x".repeat(2 ** 20) })).toMatchObject({ kind: "ended", status: 3 });
});

test("ends a program that hangs", async () => {
  expect(await shell("sleep 1000", { timeoutMs: 100 })).toMatchObject({ kind: "late", timeoutMs: 100 });
});

test("does not wait for what a program leaves behind", async () => {
  const result = await shell("setsid sleep 20 & echo $!");
  expect(result).toMatchObject({ kind: "ended", status: 0 });
  process.kill(Number(result.kind === "ended" && result.stdout), "SIGKILL");
});

test("what a program leaves behind, and never stops talking, keeps nobody waiting", async () => {
  const script = "setsid sh -c 'while sleep 0.05; do echo more; done' & echo $!";
  const result = await shell(script, { timeoutMs: 60_000 });
  expect(result).toMatchObject({ kind: "ended", status: 0 });
  process.kill(-Number.parseInt(result.kind === "ended" ? result.stdout : "", 10), "SIGKILL");
});

test("is ended by its signal, with what it started", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "pid");
  const stop = new AbortController();
  const running = shell(`sleep 1000 & echo $! >${file}.new; mv ${file}.new ${file}; wait`, {
    signal: stop.signal,
  });
  await expect.poll(() => existsSync(file)).toBe(true);
  const started = Number(readFileSync(file, "utf8"));
  expect(isAlive(started)).toBe(true);
  stop.abort(new Error("stopped"));
  await expect(running).rejects.toThrow("stopped");
  await expect.poll(() => isAlive(started)).toBe(false);
  await expect(shell("true", { signal: stop.signal })).rejects.toThrow("stopped");
});

test("a program that is not there or may not be run is missing", async () => {
  for (const program of ["no-such-program", "/nowhere/program", "/etc/passwd"]) {
    expect(await runProgram(program, [], { signal })).toMatchObject({ kind: "missing" });
    expect(await findProgram(program)).toBeNull();
  }
  expect(await findProgram("sh")).toMatch(/\/sh$/);
});

test("where no more files can be opened it throws, and nothing else goes wrong", () => {
  const script = `
    import { openSync } from "node:fs";
    import { runProgram } from "${join(import.meta.dirname, "../../src/enforce/program.ts")}";
    try { for (;;) openSync("/dev/null", "r"); } catch {}
    await runProgram("true", [], { input: "", signal: new AbortController().signal }).catch(({ code }) => console.log(code));`;
  const command = 'ulimit -n 64; exec "$0" --input-type=module --eval "$1"';
  const printed = execFileSync("sh", ["-c", command, process.execPath, script], { encoding: "utf8" });
  expect(printed).toBe("EMFILE\n");
});

test("output for a message is bounded and has no control characters", () => {
  expect(printable("\x1b[31mred\x07\nline\u202e")).toBe("[31mred \nline");
  expect(printable("x".repeat(5_000))).toHaveLength(2_000);
});
