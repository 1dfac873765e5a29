import { type Logger, pino } from "pino";
import { printable, printableJson } from "../model/safe-text.ts";

/** What the daemon says of itself, by signal: `noun.pastVerb`. */
export type Signal =
  | "daemon.started"
  | "daemon.stopping"
  | "configuration.reloaded"
  | "configuration.refused"
  | "ban.decided"
  | "ban.lifted"
  | "enforcement.changed"
  | "ingestion.failed"
  | "problem.appeared"
  | "problem.passed";

type Level = "info" | "warn" | "error";

export type Fields = Readonly<Record<string, unknown>>;
export type Listener = (signal: Signal, message: string, fields: Fields) => void;

/** One line a signal: readable on a terminal, JSON for a journal. */
export class DaemonLog {
  readonly #pino: Logger;
  /** For a part that writes lines of its own (the HTTP server): of the same shape, from warnings on. */
  readonly warnings: Logger;
  /** Hears all that is said. */
  listener: Listener = () => {};

  constructor(write: (text: string) => void, isTerminal: boolean) {
    this.#pino = pino(
      {
        base: null,
        formatters: { level: (level) => ({ level }) },
        timestamp: pino.stdTimeFunctions.isoTime,
      },
      { write: (line: string) => write(isTerminal ? terminalLine(line) : printableJson(line)) },
    );
    this.warnings = this.#pino.child({}, { level: "warn" });
  }

  say(level: Level, signal: Signal, message: string, fields: Fields = {}): void {
    this.#pino[level]({ signal, ...fields }, message);
    this.listener(signal, message, fields);
  }
}

function terminalLine(line: string): string {
  const { time, level, msg, err } = JSON.parse(line) as {
    readonly time: string;
    readonly level: Level;
    readonly msg: string;
    readonly err?: { readonly message?: string };
  };
  const cause = err?.message === undefined ? "" : `: ${err.message}`;
  const said = printable(`${level === "info" ? "" : `${level}: `}${msg}${cause}`);
  return `${time.slice(11, 19)} UTC ${said}\n`;
}
