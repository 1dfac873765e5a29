import type { DaemonLog } from "./log.ts";

export interface Problem {
  readonly code: string;
  /** The file, list or channel that it is about; null for what concerns the whole daemon. */
  readonly path: string | null;
  readonly message: string;
  readonly hint: string;
}

/** Says in the daemon's log when a problem appears and when it has passed, once each. */
export class ProblemLog {
  readonly #log: DaemonLog;
  /** By what and where, as the text of one may change while it lasts (so many hours ahead). */
  #present = new Map<string, Problem>();

  constructor(log: DaemonLog) {
    this.#log = log;
  }

  /** All problems that there are now. */
  note(problems: readonly Problem[]): void {
    const now = new Map(problems.map((problem) => [`${problem.code} ${problem.path ?? ""}`, problem]));
    for (const [key, { code, path, message, hint }] of now) {
      if (this.#present.has(key)) continue;
      this.#log.say("warn", "problem.appeared", `${message}; ${hint}`, { code, path });
    }
    for (const [key, { code, path, message }] of this.#present) {
      if (!now.has(key)) this.#log.say("info", "problem.passed", `no more: ${message}`, { code, path });
    }
    this.#present = now;
  }
}
