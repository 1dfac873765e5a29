import type { Block } from "../model/decision.ts";
import { SekishoError } from "../model/errors.ts";
import type { Target } from "../model/ip.ts";
import type { Clock } from "../model/time.ts";
import { type ControlResult, findControl, runControl } from "./apache-control.ts";
import { lingeringProcesses } from "./apache-processes.ts";
import type { Enforced, Enforcer } from "./enforcer.ts";
import { chooseTargets, IncludeFile, requireLines, targetsIn } from "./include-file.ts";

export interface ApacheIncludeOptions {
  readonly file: string;
  /** Takes `configtest` and `graceful`. */
  readonly control: string;
  readonly schedule: string;
  /** Each listed target costs every request a little; what does not fit is `unenforced`. */
  readonly limit: number;
  /** With so many old processes of Apache's that hold WebSockets it is not reloaded; absent: however many there are. */
  readonly lingering?: number;
  /** Where Apache writes its process number; default: the usual places. */
  readonly pidFile?: string | undefined;
  readonly clock: Clock;
}

/**
 * Blocks by a generated list of `Require not ip` that Apache includes. A reconciliation writes and tests it; it is
 * in force after `apply`, one graceful reload, which is left to a schedule: each reload can leave an old process
 * behind with its WebSockets, and sixteen of them fill Apache.
 *
 * Everything it knows is in the files (IncludeFile), so a crash between any two steps is healed by doing them again.
 */
export class ApacheInclude implements Enforcer {
  readonly name = "apache-include";
  readonly level = "request";
  readonly schedule: string;
  readonly #file: IncludeFile;
  readonly #control: string;
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #mostLingering: number;
  readonly #pidFile: string | undefined;
  /** Old processes at the last look; null when it cannot be told. */
  #lingering: number | null = null;
  /** What we know to be in the file and tested; null when that must be read first. */
  #written: string | null = null;
  #unenforced: readonly Target[] = [];

  constructor(options: ApacheIncludeOptions) {
    this.#file = new IncludeFile(options.file);
    this.#control = options.control;
    this.schedule = options.schedule;
    this.#limit = options.limit;
    this.#clock = options.clock;
    this.#mostLingering = options.lingering ?? Infinity;
    this.#pidFile = options.pidFile;
  }

  note(): string | null {
    if (this.#lingering === null || this.#lingering === 0) return null;
    const most = this.#mostLingering;
    return this.#lingering < most
      ? `old Apache processes that hold WebSockets: ${this.#lingering}; from ${most} on it is not reloaded`
      : tooManyLinger(this.#lingering, most).message;
  }

  async probe(): Promise<void> {
    await findControl(this.#control);
    await this.#file.probe();
  }

  async blocked(): Promise<ReadonlySet<Target>> {
    return targetsIn((await this.#file.read(this.#file.path)) ?? "");
  }

  async reconcile(want: readonly Block[], verify: boolean, signal: AbortSignal): Promise<Enforced> {
    const { listed, unenforced } = chooseTargets(want, this.#limit);
    const lines = requireLines(listed);
    const believed = this.#written;
    const found = verify || believed === null ? await this.#file.read(this.#file.path) : believed;
    this.#written = null;
    const tested = (await this.#file.read(this.#file.tested)) ?? "";
    if ((found ?? "") !== lines) {
      // Not ours: somebody wrote it, and may have reloaded Apache since, so suppose that it runs with that.
      if ((found ?? "") !== tested) await this.#file.keep(this.#file.path, this.#file.applied);
      await this.#file.write(lines, this.#clock.now());
    }
    // An empty list that was never anything else needs no test, and no Apache.
    if (lines !== tested) await this.#test(signal);
    this.#written = lines;
    this.#unenforced = unenforced;
    if (verify) this.#lingering = await lingeringProcesses(this.#pidFile);
    return this.#enforced(believed === null ? 0 : difference(believed, found ?? ""));
  }

  async apply(signal: AbortSignal): Promise<Enforced> {
    const lines = await this.#file.read(this.#file.path);
    if ((lines ?? "") !== (await this.#applied())) {
      // Removed by hand: what Apache still runs with is lifted.
      if (lines === null) await this.#file.write("", this.#clock.now());
      await this.#test(signal);
      await this.#checkRoom(lines ?? "");
      const { ok, output } = await runControl(this.#control, "graceful", signal);
      if (!ok) throw reloadFailed(output);
      await this.#file.keep(this.#file.path, this.#file.applied);
    }
    return this.#enforced(0);
  }

  /** A list that is empty lifts everything, which must not wait. */
  async #checkRoom(lines: string): Promise<void> {
    this.#lingering = await lingeringProcesses(this.#pidFile);
    if (lines === "" || this.#lingering === null || this.#lingering < this.#mostLingering) return;
    throw tooManyLinger(this.#lingering, this.#mostLingering);
  }

  async #applied(): Promise<string> {
    return (await this.#file.read(this.#file.applied)) ?? "";
  }

  async #enforced(drift: number): Promise<Enforced> {
    const [written, applied] = [(await this.#file.read(this.#file.path)) ?? "", await this.#applied()];
    const [listed, running] = [targetsIn(written), targetsIn(applied)];
    return {
      inForce: listed.intersection(running),
      waiting: listed.difference(running),
      lingering: running.difference(listed),
      unenforced: this.#unenforced,
      pending: written !== applied,
      drift,
    };
  }

  /** Tests Apache's configuration with the list as it is; when that fails, puts the last tested one back. */
  async #test(signal: AbortSignal): Promise<void> {
    const result = await runControl(this.#control, "configtest", signal);
    if (result.ok) return this.#file.keep(this.#file.path, this.#file.tested);
    this.#written = null;
    await this.#file.putBack(this.#clock.now());
    const without = await runControl(this.#control, "configtest", signal);
    throw configtestFailed(result, without);
  }
}

/** How many targets differ; at least 1 when the text does. */
const difference = (believed: string, found: string): number =>
  believed === found ? 0 : Math.max(1, targetsIn(believed).symmetricDifference(targetsIn(found)).size);

function configtestFailed(withList: ControlResult, without: ControlResult): SekishoError {
  return without.ok
    ? new SekishoError(
        "APACHE_CONFIGTEST_FAILED",
        `Apache refused the new list, so the last good one was put back: ${withList.output}`,
        "compare Apache's configuration with the output of `sekisho apache snippet`: the list must be included inside its <RequireAll>",
      )
    : new SekishoError(
        "APACHE_CONFIGTEST_FAILED",
        `Apache's configuration is broken, with Sekisho's last good list as well: ${without.output}`,
        "correct what apache2ctl configtest complains about; the new list is tried again by itself",
      );
}

const tooManyLinger = (lingering: number, most: number): SekishoError =>
  new SekishoError(
    "APACHE_LINGERING",
    `not reloaded: ${lingering} old Apache processes still hold WebSockets, ${most} are the limit; with each reload there may be one more, and Apache stops when its scoreboard is full`,
    "let apps close old WebSockets, raise ServerLimit in Apache and enforcers.apache-include.lingering with it, or use apache-directory, which needs no reload",
  );

const reloadFailed = (output: string): SekishoError =>
  new SekishoError(
    "APACHE_RELOAD_FAILED",
    `Apache did not reload: ${output}`,
    "see Apache's error log; the reload is tried again on schedule",
  );
