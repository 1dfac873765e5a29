import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Apache, SERVER_IPV4, SERVER_IPV6 } from "./apache.ts";

export interface TcpAsk {
  readonly id: number;
  readonly what: "open" | "send" | "look" | "close";
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly text: string;
}
export interface TcpAnswer {
  readonly id: number;
  readonly isOpen: boolean;
  /** All that came back so far. */
  readonly heard: string;
}

/** Beside a test's Apache: any address can have one connection, and what it sends to `echoPort` comes back. */
export class TcpClient {
  readonly #inside: ChildProcess;
  readonly #waiting = new Map<number, (answer: TcpAnswer) => void>();
  #lastId = 0;

  private constructor(inside: ChildProcess) {
    this.#inside = inside;
    createInterface({ input: inside.stdout! }).on("line", (line) => {
      const answer = JSON.parse(line) as TcpAnswer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** It ends with the Apache's namespace. */
  static async beside(apache: Apache, echoPort: number): Promise<TcpClient> {
    const program = join(import.meta.dirname, "tcp-inside.ts");
    const inside = apache.inNamespace(process.execPath, [program, String(echoPort)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const client = new TcpClient(inside);
    await new Promise((resolve) => client.#waiting.set(0, resolve));
    return client;
  }

  /** Whether a connection from this address comes about; it stays open until `close`. */
  open = async (from: string, port = 80): Promise<boolean> =>
    (await this.#ask("open", from, { port })).isOpen;
  send = (from: string, text: string): Promise<TcpAnswer> => this.#ask("send", from, { text });
  look = (from: string): Promise<TcpAnswer> => this.#ask("look", from);
  close = (from: string): Promise<TcpAnswer> => this.#ask("close", from);

  async connects(from: string, port = 80): Promise<boolean> {
    const isOpen = await this.open(from, port);
    await this.close(from);
    return isOpen;
  }

  #ask(what: TcpAsk["what"], from: string, more: Partial<TcpAsk> = {}): Promise<TcpAnswer> {
    const id = ++this.#lastId;
    const to = from.includes(":") ? SERVER_IPV6 : SERVER_IPV4;
    const ask: TcpAsk = { id, what, from, to, port: 80, text: "", ...more };
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#inside.stdin!.write(`${JSON.stringify(ask)}\n`);
    });
  }
}
