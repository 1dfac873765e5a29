import type { Target } from "../model/ip.ts";
import type { IngestThread } from "./thread.ts";

/** Tells the ingestion thread whom enforcers still refuse though no ban runs, when that changed. */
export class LingeringNotes {
  readonly #thread: IngestThread;
  #noted = "";

  constructor(thread: IngestThread) {
    this.#thread = thread;
  }

  note(targets: readonly Target[]): void {
    const text = targets.join();
    if (text === this.#noted) return;
    this.#noted = text;
    this.#thread.post({ kind: "note-lingering", targets });
  }
}
