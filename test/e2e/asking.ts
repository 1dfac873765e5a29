import type { ChildProcess, SpawnOptions } from "node:child_process";
import { createInterface } from "node:readline";

export type Spawn = (command: string, args: readonly string[], options?: SpawnOptions) => ChildProcess;

/** Runs where the daemon does, as its network may be one of its own: answers each request, one JSON object a line, with its text. */
const PROGRAM = `
  const { request } = require("node:http");
  process.stdin.setEncoding("utf8");
  let rest = "";
  process.stdin.on("data", (text) => {
    const lines = (rest + text).split("\\n");
    rest = lines.pop();
    for (const line of lines) {
      const { id, url, method, token } = JSON.parse(line);
      const say = (answer) => process.stdout.write(JSON.stringify({ id, ...answer }) + "\\n");
      const options = { method, agent: false, headers: { authorization: "Bearer " + token } };
      const asked = request(url, options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (more) => (text += more)).on("end", () => say({ text })).on("error", (error) => say({ error: error.message }));
      });
      asked.on("error", (error) => say({ error: error.message })).end();
    }
  });
  process.stdin.on("end", () => process.exit(0));`;

interface Answer {
  readonly id: number;
  readonly text?: string;
  readonly error?: string;
}

/** Asks the HTTP interface from where the daemon listens. One process for all requests, started with the first. */
export class Asking {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor(start: Spawn) {
    this.#child = start(process.execPath, ["-e", PROGRAM], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      const answer = JSON.parse(line) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    this.#child.once("exit", () => {
      for (const [id, answer] of this.#waiting) answer({ id, error: "who asks has ended" });
    });
  }

  async ask(url: string, method: string, token: string): Promise<string> {
    const id = ++this.#lastId;
    const { text, error } = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.stdin!.write(`${JSON.stringify({ id, url, method, token })}\n`);
    });
    if (text === undefined) throw new Error(`${method} ${url}: ${error}`);
    return text;
  }

  [Symbol.dispose](): void {
    this.#child.stdin!.end();
  }
}
