import { writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { SourceKind } from "../../src/model/event.ts";
import { Tailer } from "../../src/tail/tailer.ts";
import type { Registry } from "./registry.ts";

/** Waits for a value, on a slow machine too. */
export const eventually = <Value>(value: () => Value) => expect.poll(value, { interval: 10 });

/** A tailer that runs in the background and commits what it reads. */
export class Running implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly cut: string[] = [];
  readonly tailer: Tailer;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  /** It stops by itself after so many batches. */
  constructor(
    paths: string | readonly string[],
    registry: Registry,
    {
      batches = Number.POSITIVE_INFINITY,
      ...more
    }: { batches?: number; kind?: SourceKind; rotatedTo?: string } = {},
  ) {
    const usual = { kind: "access", format: "auto", timezone: null, fields: null } as const;
    const logs = [paths].flat().map((path) => ({ ...usual, path, ...more }));
    this.tailer = new Tailer(logs, registry);
    this.#done = this.#run(registry, batches);
  }

  async #run(registry: Registry, batches: number): Promise<void> {
    let left = batches;
    for await (const batch of this.tailer.batches(this.#stop.signal)) {
      for (const line of batch.lines) this.lines.push(line);
      for (const index of batch.cut) this.cut.push(batch.lines[index]!);
      registry.commit(batch);
      if (--left === 0) this.#stop.abort();
    }
  }

  /** Resolves once it has stopped by itself. */
  get stopped(): Promise<void> {
    return this.#done;
  }

  has = (count: number) => eventually(() => this.lines.length).toBe(count);
  problem = () => this.tailer.status()[0]?.problem;

  /** Resolves once all that is there has been read; then there must be no more than those lines. */
  async isIdleWith(lines: readonly string[]): Promise<void> {
    await eventually(() => this.lines).toEqual(lines);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.tailer[Symbol.dispose]();
  }

  [Symbol.asyncDispose] = (): Promise<void> => this.stop();
}

export const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join("");
export const linesOf = (text: string): string[] => text.trimEnd().split("\n");

/** A log of which the first lines were read before nobody watched any more. */
export async function readOnce(log: string, text: string, registry: Registry): Promise<void> {
  writeFileSync(log, text);
  await using running = new Running(log, registry);
  await running.isIdleWith(linesOf(text));
}
