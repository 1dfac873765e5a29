import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Answer, type Measured, median, onOneCore, peakMiB } from "./measure.ts";
import { countNewlines } from "./replay.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const TOKEN = "bench-token-bench-token-bench-token";
const POLL_MS = 50;
const GIVE_UP_MS = 600_000;

/** How fast does the daemon catch up with a log when every event is stored, on one core, its start included? */
export async function storeBench(log: string, lines: number, rounds: number): Promise<Answer> {
  const runs: Measured[] = [];
  const references: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    runs.push(await catchUp(log, lines));
    references.push(await countNewlines(log, lines));
  }
  return {
    question: `How fast does \`sekisho run\` catch up with ${lines} lines, every event stored, on one core?`,
    rows: [
      { what: "sekisho run", run: median(runs) },
      { what: "count newlines (Node)", run: median(references) },
    ],
  };
}

async function catchUp(log: string, lines: number): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), "sekisho-bench-run-"));
  const listen = `127.0.0.1:${await freePort()}`;
  const config = join(directory, "sekisho.yaml");
  // JSON is YAML, and needs no quoting of paths.
  const settings = { data: directory, logs: [{ path: log, format: "combined" }], dashboard: { listen } };
  writeFileSync(config, JSON.stringify(settings));
  const [command, args] = onOneCore(join(ROOT, "bin/sekisho"), ["run", "--config", config]);
  const started = performance.now();
  const daemon = spawn(command, args, {
    cwd: directory,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, SEKISHO_TOKEN: TOKEN },
  });
  const ended = once(daemon, "exit");
  let said = "";
  daemon.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2_000);
  });
  try {
    await untilStored(`http://${listen}/api/status`, lines, () => daemon.exitCode !== null);
    return { seconds: (performance.now() - started) / 1000, peakMiB: peakMiB(daemon.pid!), output: "" };
  } catch (cause) {
    throw new Error(`the daemon last said: ${said}`, { cause });
  } finally {
    daemon.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  }
}

async function untilStored(url: string, lines: number, gone: () => boolean): Promise<void> {
  const deadline = performance.now() + GIVE_UP_MS;
  for (;;) {
    if (gone()) throw new Error("the daemon ended before it had caught up");
    if (performance.now() > deadline) throw new Error(`not caught up after ${GIVE_UP_MS / 1000} s`);
    const stored = await storedLines(url);
    if (stored === lines) return;
    if (stored > lines) throw new Error(`${stored} events stored of ${lines} lines`);
    await setTimeout(POLL_MS);
  }
}

/** 0 while the daemon does not listen yet. */
async function storedLines(url: string): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(url, { headers }).catch(() => null);
  if (answer === null) return 0;
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  const { sources } = (await answer.json()) as { sources: { lines: number }[] };
  return sources[0]?.lines ?? 0;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
