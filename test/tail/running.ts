import { expect } from "vitest";
import type { SourceKind } from "../../src/model/event.ts";
import { Tailer } from "../../src/tail/tailer.ts";
import type { Registry } from "./registry.ts";

/** A tailer that runs in the background and commits what it reads. */
export class Running implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly cut: string[] = [];
  readonly tailer: Tailer;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(path: string, registry: Registry, kind: SourceKind = "access") {
    this.tailer = new Tailer([{ path, kind, format: "auto", timezone: null, fields: null }], registry);
    this.#done = this.#run(registry);
  }

  async #run(registry: Registry): Promise<void> {
    for await (const batch of this.tailer.batches(this.#stop.signal)) {
      this.lines.push(...batch.lines);
      for (const index of batch.cut) this.cut.push(batch.lines[index]!);
      registry.commit(batch);
    }
  }

  has = (count: number) => expect.poll(() => this.lines.length, { timeout: 5_000, interval: 10 }).toBe(count);
  problem = () => this.tailer.status()[0]?.problem;

  /** Resolves once all that is there has been read; then there must be no more than those lines. */
  async isIdleWith(lines: readonly string[]): Promise<void> {
    await expect.poll(() => this.lines, { timeout: 5_000, interval: 10 }).toEqual(lines);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.tailer[Symbol.dispose]();
  }
}

export const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join("");
export const linesOf = (text: string): string[] => text.trimEnd().split("\n");
