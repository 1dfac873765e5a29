import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/guard.md"), "utf8");

/** The two programs of docs/guard.md, and one that prints the port when the app listens, and ends with the test. */
function write(folder: string, socket: string, port: number): string {
  const [client, app] = [...PAGE.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!);
  const changed = app!
    .replace('"/run/sekisho/guard.sock"', JSON.stringify(socket))
    .replace("3000", `${port}`);
  writeFileSync(join(folder, "guard.mjs"), client!);
  writeFileSync(join(folder, "app.mjs"), changed);
  const start = join(folder, "start.mjs");
  writeFileSync(
    start,
    `import { server } from "./app.mjs";
server.once("listening", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
`,
  );
  return start;
}

export interface SampleApp extends AsyncDisposable {
  readonly pid: number;
  /** The status that a client of this address gets, as Apache would pass it on. */
  status(address: string): Promise<number>;
}

/** Runs the app of docs/guard.md; `port` 0 is any. */
export async function startSampleApp(
  folder: string,
  socket: string,
  port = 0,
  start: (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess = spawn,
): Promise<SampleApp> {
  const child = start(process.execPath, [write(folder, socket, port)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  return {
    pid: child.pid!,
    status: (address) =>
      new Promise((resolve, reject) => {
        const headers = { "X-Forwarded-For": address, Connection: "close" };
        const asked = request({ host: "127.0.0.1", port: Number(line), headers, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode!);
        });
        asked.on("error", reject).end();
      }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
