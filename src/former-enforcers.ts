import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config/schema.ts";
import { writtenList } from "./enforce/apache/control.ts";
import { ENFORCER_PATIENCE_MS, Enforcement } from "./enforce/enforcement.ts";
import { enforcersOf } from "./enforcers.ts";
import type { Complaint } from "./ingest/messages.ts";
import type { EnforcerStatus } from "./model/api.ts";
import type { Clock } from "./model/time.ts";

type Settings = Config["enforcers"];

export interface FormerEnforcersOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Where it is told which were in use; default: that of the configuration. */
  readonly data?: string;
  /** Called after each change of a status. */
  readonly onChange?: () => void;
}

/**
 * Enforcers that the configuration no longer has, or that work elsewhere now: they must not go on blocking, also when that was
 * changed while Sekisho did not run. So the data folder tells which may have left blocks: those that were not lifted yet, and
 * last those in use.
 *
 *     in use ── taken out of the configuration ──▶ former ── lifted ──▶ forgotten
 *                                                   │   ▲
 *                                                 failed└── told as a problem, and tried again as lanes do
 *
 * Root believes nothing in the folder of another user, who could have any program run as root: there the next start lifts them.
 */
export class FormerEnforcers implements AsyncDisposable {
  readonly #file: string;
  readonly #isBelieved: boolean;
  readonly #present: Settings;
  /** One enforcer each, in the order of the statuses. */
  readonly #former: readonly Settings[];
  readonly #lifting: Enforcement;
  #isStarted = false;
  #written = "";

  constructor({ config, clock, data = config.data, onChange = () => {} }: FormerEnforcersOptions) {
    this.#file = join(data, "enforcers.json");
    this.#isBelieved =
      process.getuid?.() !== 0 || (statSync(data, { throwIfNoEntry: false })?.uid ?? 0) === 0;
    this.#present = config.enforcers;
    const present = new Set(eachOf(config.enforcers).flatMap(placesOf));
    const former = (this.#isBelieved ? readSettings(this.#file) : [])
      .flatMap(eachOf)
      .filter((one) => !placesOf(one).some((place) => present.has(place)));
    this.#former = [...new Map(former.map((one) => [placesOf(one).join("\n"), one])).values()];
    this.#lifting = new Enforcement({
      mode: "observe",
      enforcers: this.#former.flatMap((enforcers) => enforcersOf({ ...config, enforcers }, clock)),
      clock,
      onChange: () => {
        this.#note();
        onChange();
      },
    });
  }

  /** Resolves after the first try of each, or when there was time enough for it. Never throws. */
  async start(): Promise<void> {
    this.#isStarted = true;
    await this.#lifting.start([], ENFORCER_PATIENCE_MS);
    this.#note();
  }

  /** Tries again at once what failed. Nothing before the start, which the demo has not: what is left there is not its own. */
  async retry(): Promise<void> {
    if (this.#isStarted) await this.#lifting.switchTo("observe", []);
  }

  /** Those that failed to lift what they hold. */
  failed(): EnforcerStatus[] {
    return this.#lifting.statuses().filter(({ error }) => error !== null);
  }

  problems(): Complaint[] {
    return this.failed().map(({ name, error, hint }) => ({
      code: `FORMER ${name}`,
      message: `${name} is no longer in the configuration, or works elsewhere now, and what it blocked may still be blocked: ${error}`,
      hint: hint ?? "it is tried again by itself",
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lifting[Symbol.asyncDispose]();
  }

  #note(): void {
    if (!this.#isBelieved) return;
    const statuses = this.#lifting.statuses();
    const isLifted = (at: number) => statuses[at]?.error === null && statuses[at].lastReconciledAt !== null;
    const text = JSON.stringify([...this.#former.filter((_, at) => !isLifted(at)), this.#present]);
    if (text === this.#written) return;
    try {
      writeFileSync(`${this.#file}.new`, text, { mode: 0o600 });
      renameSync(`${this.#file}.new`, this.#file);
      this.#written = text;
    } catch {
      // A full disk is told by others, and must not keep anything from being enforced.
    }
  }
}

function readSettings(file: string): readonly Settings[] {
  try {
    const former: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(former) ? former.filter((each) => typeof each === "object" && each !== null) : [];
  } catch {
    // There is none yet, or it was damaged: then nothing is known.
    return [];
  }
}

/** Those that can leave blocks, one by one. The channel of the guard lifts by itself. */
const eachOf = (settings: Settings): Settings[] =>
  Object.entries(settings)
    .filter(([name, its]) => its !== undefined && name !== "guard" && name !== "dry-run")
    .map(([name, its]) => ({ [name]: its }));

/** Where the blocks of the only enforcer in these are: whoever works there, with whatever settings, takes them over. */
function placesOf({
  "apache-directory": directory,
  "apache-include": include,
  exec,
  ...other
}: Settings): string[] {
  // Root's copy of a list, and what it is a copy of.
  if (include !== undefined) return [include.file, writtenList(include)];
  return [JSON.stringify(directory?.directory ?? exec?.command ?? Object.keys(other))];
}
