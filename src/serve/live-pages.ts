import type { LiveMessage, Status } from "../model/api.ts";

/** Changes are told to the pages at most this often. */
const TELL_EVERY_MS = 500;

export type Changed = Extract<LiveMessage, { kind: "changed" }>["what"][number];

/** The pages that are open: tells them what changed, and the status with it. */
export class LivePages implements Disposable {
  readonly #status: () => Status;
  readonly #listeners = new Set<(message: LiveMessage) => void>();
  readonly #changed = new Set<Changed>();
  #timer: NodeJS.Timeout | null = null;

  constructor(status: () => Status) {
    this.#status = status;
  }

  /** What is returned ends it. */
  subscribe(listener: (message: LiveMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** With the next message; where nothing is named, that has only the status. */
  changed(what: readonly Changed[]): void {
    for (const each of what) this.#changed.add(each);
    if (this.#listeners.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const changes = [...this.#changed];
      this.#changed.clear();
      if (changes.length > 0) this.#tell({ kind: "changed", what: changes });
      this.#tell({ kind: "status", status: this.#status() });
    }, TELL_EVERY_MS).unref();
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #tell(message: LiveMessage): void {
    for (const listener of this.#listeners) listener(message);
  }
}
