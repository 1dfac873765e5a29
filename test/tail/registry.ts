import type { LineBatch, StoredCheckpoint } from "../../src/model/line.ts";
import { unixMs } from "../../src/model/time.ts";
import type { LogToTail, SourceRegistry } from "../../src/tail/tailer.ts";

/** Keeps what a store would keep: one checkpoint for each source, device and inode. */
export class Registry implements SourceRegistry {
  #committed = new Map<string, StoredCheckpoint>();
  readonly #ids = new Map<string, number>();

  register(log: LogToTail) {
    if (!this.#ids.has(log.path)) this.#ids.set(log.path, this.#ids.size + 1);
    return { ...log, id: this.#ids.get(log.path)! };
  }

  checkpoints(source: { readonly id: number }): StoredCheckpoint[] {
    return [...this.#committed.values()].filter((checkpoint) => checkpoint.source === source.id);
  }

  commit({ checkpoint }: Pick<LineBatch, "checkpoint">): void {
    const { device, inode } = checkpoint.fingerprint;
    const committedAt = unixMs(Date.now());
    this.#committed.set(`${checkpoint.source} ${device} ${inode}`, { ...checkpoint, committedAt });
  }

  /** As if what is stored had been stored elsewhere. */
  change(change: (checkpoint: StoredCheckpoint) => StoredCheckpoint): void {
    this.#committed = new Map([...this.#committed].map(([key, checkpoint]) => [key, change(checkpoint)]));
  }
}
