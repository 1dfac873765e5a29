/** What the daemon does with what the ingestion thread tells: it goes to pages, enforcers, people and the daemon's log. */
import type { CrawlerVerifier } from "./crawlers/verifier.ts";
import type { Committed, State, Told } from "./ingest/messages.ts";
import { failedEnforcers, problemsNow, unsent } from "./notices.ts";
import { ProblemLog } from "./observe/problem-log.ts";
import type { Core, RunningParts } from "./running-parts.ts";

/** The ingestion thread tells its state every second; a batch that waits for a disk may take long. */
const SILENT_MS = 45_000;

export class ThreadMessages {
  readonly #core: Core;
  readonly #parts: RunningParts;
  readonly #verifier: CrawlerVerifier;
  readonly #problemLog: ProblemLog;
  #heardAt = performance.now();

  constructor(core: Core, parts: RunningParts, verifier: CrawlerVerifier) {
    this.#core = core;
    this.#parts = parts;
    this.#verifier = verifier;
    this.#problemLog = new ProblemLog(core.log);
  }

  /** True when nothing has been heard of the thread for so long that it must hang. */
  get isSilent(): boolean {
    return performance.now() - this.#heardAt >= SILENT_MS;
  }

  take(message: Told): void {
    this.#heardAt = performance.now();
    this.#core.backend.heard(message);
    if (message.kind === "state") this.#takeState(message);
    else this.#takeCommitted(message);
  }

  #takeState(state: State): void {
    const { backend, notifier } = this.#core;
    const parts = this.#parts.present;
    this.#verifier.ask(state.claims);
    this.#problemLog.note(
      problemsNow(state, [
        backend.whyIneffective(),
        ...failedEnforcers(parts),
        ...unsent(notifier),
        ...parts.lists.problems(),
      ]),
    );
  }

  #takeCommitted({ decided, lifted, bans }: Committed): void {
    const { log } = this.#core;
    const { mode } = this.#parts.present;
    const note = mode === "observe" ? " (observe mode: not blocked)" : "";
    for (const { target, reason, by, rule } of decided)
      log.say("info", "ban.decided", `ban ${target}: ${reason}${note}`, { target, reason, by, rule, mode });
    for (const target of lifted) log.say("info", "ban.lifted", `unban ${target}`, { target, by: "person" });
    if (bans) this.#parts.wantSoon();
  }
}
