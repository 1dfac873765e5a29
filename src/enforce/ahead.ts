/** What was read longer ago may have changed meanwhile: an enforcer that failed at first is tried again later. */
const FRESH_MS = 5_000;

/** What an enforcer began to read before it was asked to (`lookAhead`), for whoever asks for it soon, once. */
export class Ahead<Found> {
  #begun: { readonly found: Promise<Found>; readonly at: number } | null = null;

  begin(found: Promise<Found>): void {
    // Whoever takes it is told what went wrong.
    found.catch(() => {});
    this.#begun = { found, at: performance.now() };
  }

  /** Null where nothing was begun, and where that is too long ago. */
  take(): Promise<Found> | null {
    const begun = this.#begun;
    this.#begun = null;
    return begun !== null && performance.now() - begun.at < FRESH_MS ? begun.found : null;
  }
}
