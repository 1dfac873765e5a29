import { type Logger, pino } from "pino";

/** What the daemon says of itself, by signal: `noun.pastVerb`. */
export const SIGNALS = [
  "daemon.started",
  "daemon.stopping",
  "configuration.reloaded",
  "configuration.refused",
  "ban.decided",
  "ban.lifted",
  "enforcement.changed",
  "enforcer.failed",
  "ingestion.failed",
  "problem.appeared",
  "problem.passed",
] as const;
export type Signal = (typeof SIGNALS)[number];

type Level = "info" | "warn" | "error";

/** One line a signal: readable on a terminal, JSON for a journal. */
export class DaemonLog {
  readonly #write: (text: string) => void;
  readonly #pino: Logger | null;

  constructor(write: (text: string) => void, isTerminal: boolean) {
    this.#write = write;
    this.#pino = isTerminal
      ? null
      : pino(
          {
            base: null,
            formatters: { level: (level) => ({ level }) },
            timestamp: pino.stdTimeFunctions.isoTime,
          },
          { write },
        );
  }

  say(level: Level, signal: Signal, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#pino !== null) this.#pino[level]({ signal, ...fields }, message);
    else
      this.#write(
        `${new Date().toTimeString().slice(0, 8)} ${level === "info" ? "" : `${level}: `}${message}\n`,
      );
  }
}
