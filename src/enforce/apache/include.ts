import { setTimeout as sleep } from "node:timers/promises";
import type { Block } from "../../model/decision.ts";
import { SekishoError } from "../../model/errors.ts";
import type { Target } from "../../model/ip.ts";
import { type Clock, toIso } from "../../model/time.ts";
import type { Enforced, Enforcer, Generations, Proven } from "../enforcer.ts";
import { generationCanary, INCLUDE_CANARY, ORDINARY } from "./canary.ts";
import { type ControlResult, findControl, runControl } from "./control.ts";
import {
  configtestFailed,
  heldTo,
  notHeld,
  reloadFailed,
  stillSilent,
  tooManyLinger,
} from "./include-errors.ts";
import { chooseTargets, IncludeFile, requireLines, targetsIn } from "./include-file.ts";
import { type Hold, IncludeGenerations, withinHold } from "./include-generations.ts";
import { notRefused } from "./not-refused.ts";
import { isReloadedSince, lingeringProcesses, runsApache } from "./processes.ts";
import { type ApacheRequests, type Look, letsIn, mayRefuse } from "./requests.ts";

/** So long Apache may take to serve with a new list; a graceful reload holds new connections for a second at times. */
const SERVES_WITHIN_MS = 10_000;
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 1_000;

export interface ApacheIncludeOptions {
  readonly file: string;
  /** Takes `configtest` and `graceful`. */
  readonly control: string;
  readonly schedule: string;
  /** Each listed target costs every request a little; what does not fit is `unenforced`. */
  readonly limit: number;
  /** So many generations that were in force are kept; default: 20. */
  readonly generations?: number;
  /** With so many old processes of Apache's that hold WebSockets it is not reloaded; absent: however many there are. */
  readonly lingering?: number;
  /** Where Apache writes its process number; default: the usual places. */
  readonly pidFile?: string | undefined;
  /** Asks Apache whether it serves and refuses; null: nobody asks. */
  readonly requests?: ApacheRequests | null;
  /** So long Apache may take to serve with a new list before it is put back; default: 10 seconds. */
  readonly servesWithinMs?: number;
  readonly clock: Clock;
}

/**
 * Blocks by a generated list of `Require not ip` that Apache includes. A reconciliation writes and tests it; it is
 * in force after `apply`, one graceful reload, which is left to a schedule: each reload can leave an old process
 * behind with its WebSockets, and sixteen of them fill Apache.
 *
 *     write a new generation ── configtest ── wait ── graceful ── ask Apache ── keep the generation
 *                                   │                                 │
 *                        fails: the last tested       does not serve: the one of before is put back, and
 *                        list is put back             the list is held to it until a person goes on
 *
 * Everything it knows is in the files (IncludeFile, IncludeGenerations), so a crash between any two steps is healed by doing them again.
 */
export class ApacheInclude implements Enforcer {
  readonly name = "apache-include";
  readonly level = "request";
  readonly schedule: string;
  readonly #file: IncludeFile;
  readonly #kept: IncludeGenerations;
  readonly #control: string;
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #mostLingering: number;
  readonly #pidFile: string | undefined;
  readonly #requests: ApacheRequests | null;
  readonly #servesWithinMs: number;
  /** Old processes at the last look; null when it cannot be told. */
  #lingering: number | null = null;
  /** What we know to be in the file and tested; null when that must be read first. */
  #written: string | null = null;
  #unenforced: readonly Target[] = [];
  /** As of the last reconciliation. */
  #hold: Hold | null = null;
  #heldBack: readonly Target[] = [];
  /** Apache did not serve after a reload, whatever list it had; until it answers again. */
  #silence: SekishoError | null = null;

  constructor(options: ApacheIncludeOptions) {
    this.#file = new IncludeFile(options.file);
    this.#kept = new IncludeGenerations(this.#file, options.generations ?? 20);
    this.#control = options.control;
    this.schedule = options.schedule;
    this.#limit = options.limit;
    this.#clock = options.clock;
    this.#mostLingering = options.lingering ?? Infinity;
    this.#pidFile = options.pidFile;
    this.#requests = options.requests ?? null;
    this.#servesWithinMs = options.servesWithinMs ?? SERVES_WITHIN_MS;
  }

  readonly generations: Generations = {
    list: async () => ({ items: await this.#kept.list(), held: await this.#heldItem() }),
    changes: (generation) => this.#kept.changes(generation),
    hold: async (generation) => {
      this.#written = null;
      if (generation === null) {
        if (!(await this.#kept.release())) throw notHeld();
        return;
      }
      const targets = await this.#kept.targetsOf(generation);
      await this.#kept.hold({ generation, since: toIso(this.#clock.now()), cause: null, targets });
    },
  };

  async #heldItem() {
    const hold = await this.#kept.held();
    if (hold === null) return null;
    const { generation, since, cause } = hold;
    return { generation, since, cause, heldBack: this.#heldBack.length };
  }

  note(): string | null {
    const notes = [this.#lingeringNote()];
    if (this.#hold !== null) notes.unshift(`held to generation ${this.#hold.generation}`);
    return notes.filter((note) => note !== null).join("; ") || null;
  }

  #lingeringNote(): string | null {
    if (this.#lingering === null || this.#lingering === 0) return null;
    const most = this.#mostLingering;
    return this.#lingering < most
      ? `old Apache processes that hold WebSockets: ${this.#lingering}; from ${most} on it is not reloaded`
      : tooManyLinger(this.#lingering, most).message;
  }

  /** A person who went back, and keeps nobody out of the list by it, need not be told of it each day. */
  complaint(): SekishoError | null {
    if (this.#silence !== null) return this.#silence;
    if (this.#hold === null || (this.#hold.cause === null && this.#heldBack.length === 0)) return null;
    return heldTo(this.#hold, this.#heldBack);
  }

  async probe(): Promise<void> {
    await findControl(this.#control);
    await this.#file.probe();
  }

  async blocked(): Promise<ReadonlySet<Target>> {
    return targetsIn((await this.#file.read(this.#file.path)) ?? "");
  }

  async reconcile(want: readonly Block[], verify: boolean, signal: AbortSignal): Promise<Enforced> {
    const { listed, unenforced } = await this.#choose(want);
    const lines = requireLines(listed);
    const believed = this.#written;
    const found = verify || believed === null ? await this.#file.read(this.#file.path) : believed;
    this.#written = null;
    const tested = (await this.#file.read(this.#file.tested)) ?? "";
    if (verify) await this.#file.sweep();
    if ((found ?? "") !== lines) {
      // Not ours: somebody wrote it, and may have reloaded Apache with it. Or with ours, as logrotate does.
      if ((found ?? "") !== tested || (await isReloadedSince(this.#file.path, this.#pidFile)))
        await this.#file.doubt();
      await this.#write(lines);
    }
    // An empty list that was never anything else needs no test, and no Apache.
    if (lines !== tested) await this.#test(signal);
    this.#written = lines;
    this.#unenforced = unenforced;
    if (verify) {
      await this.#kept.keep();
      this.#lingering = await lingeringProcesses(this.#pidFile);
    }
    return this.#enforced(believed === null ? 0 : difference(believed, found ?? ""));
  }

  async #choose(want: readonly Block[]) {
    this.#hold = await this.#kept.held();
    const { allowed, heldBack } =
      this.#hold === null ? { allowed: want, heldBack: [] } : withinHold(want, this.#hold);
    this.#heldBack = heldBack;
    const { listed, unenforced } = chooseTargets(allowed, this.#limit);
    return { listed, unenforced: [...heldBack, ...unenforced] };
  }

  async #write(lines: string): Promise<void> {
    await this.#file.write(lines, await this.#kept.next(), this.#clock.now());
  }

  async apply(signal: AbortSignal): Promise<Enforced> {
    const lines = await this.#file.read(this.#file.path);
    if ((lines ?? "") !== (await this.#applied()) || (await this.#file.doubtful()).size > 0) {
      // Removed by hand: what Apache still runs with is lifted.
      if (lines === null) await this.#write("");
      await this.#test(signal);
      await this.#checkRoom(lines ?? "");
      // What lifts everything waits for no answer.
      const before = lines ? await this.#requests?.look(signal) : null;
      if (before) this.#silence = null;
      // From here on a crash leaves a reload due, whatever is wanted by then.
      await this.#file.doubt();
      await this.#reload(signal);
      if (before) await this.#confirm(before, signal);
      await this.#file.settle();
      await this.#kept.keep();
    }
    return this.#enforced(0);
  }

  async #reload(signal: AbortSignal): Promise<void> {
    const { ok, output } = await this.#run("graceful", signal);
    if (!ok) throw reloadFailed(output);
  }

  /** Where there is no Apache any more, an empty list refuses nobody. */
  async #run(action: "configtest" | "graceful", signal: AbortSignal): Promise<ControlResult> {
    try {
      return await runControl(this.#control, action, signal);
    } catch (error) {
      const isMissing = error instanceof SekishoError && error.code === "APACHE_CONTROL_MISSING";
      if (!isMissing || (await this.blocked()).size > 0 || (await runsApache())) throw error;
      return { ok: true, output: "" };
    }
  }

  /**
   * Waits until Apache serves with the new list, as it did before. Where it does not serve the list of before is put back; where it
   * serves with the one of before, this throws and the next run tries again. A list that has no effect `prove` tells.
   */
  async #confirm(before: Look, signal: AbortSignal): Promise<void> {
    const [written, applied] = await this.#headings();
    const isRefused = async (generation: number) =>
      mayRefuse(await this.#requests!.ask(before.door, generationCanary(generation), signal));
    const isNew = async () => !letsIn(before) || (await isRefused(written.generation));
    const state = await this.#await(before, isNew, signal);
    if (state === "new") return;
    if (state === "silent") return this.#revert(before, signal);
    if (applied.hasCanary && (await isRefused(applied.generation)))
      throw reloadFailed(`it still runs with generation ${applied.generation} of the list`);
  }

  async #await(
    { door, status }: Look,
    isNew: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<"new" | "old" | "silent"> {
    const end = performance.now() + this.#servesWithinMs;
    for (let rest = FIRST_LOOK_MS; ; rest = Math.min(rest * 2, LAST_LOOK_MS)) {
      const now = await this.#requests!.ask(door, ORDINARY, signal);
      const serves = now !== null && (now !== 403 || status === 403);
      if (serves && (await isNew())) return "new";
      if (performance.now() > end) return serves ? "old" : "silent";
      await sleep(rest, undefined, { signal });
    }
  }

  /** What of the list of before is still wanted, with one more reload. Always throws. */
  async #revert(before: Look, signal: AbortSignal): Promise<never> {
    const [written, applied] = await this.#headings();
    const good = targetsIn(await this.#applied());
    const asked = await this.blocked();
    await this.#kept.keep(this.#file.path);
    const cause = `Apache did not serve with generation ${written.generation}`;
    const since = toIso(this.#clock.now());
    const hold: Hold = { generation: applied.generation, since, cause, targets: [...good] };
    const former = this.#hold;
    // Serving comes first: on a full disk this goes on, and the next scheduled reload tries the list again.
    await this.#kept.hold(hold).catch(() => {});
    const still = withinHold(
      [...asked].map((target) => ({ target, until: this.#clock.now() })),
      hold,
    );
    await this.#write(requireLines(chooseTargets(still.allowed, this.#limit).listed));
    this.#written = null;
    [this.#hold, this.#heldBack] = [hold, still.heldBack];
    await this.#test(signal);
    await this.#reload(signal);
    await this.#file.settle();
    await this.#kept.keep();
    const state = await this.#await(before, async () => true, signal);
    if (state === "silent") {
      // The list is not what is wrong, so nobody is held back for it; what a person holds stays held.
      await (former === null ? this.#kept.release() : this.#kept.hold(former));
      this.#silence = stillSilent(written.generation);
      throw this.#silence;
    }
    throw heldTo(hold, still.heldBack);
  }

  async prove(signal: AbortSignal): Promise<Proven | null> {
    if (this.#requests === null) return null;
    if (this.#silence !== null && (await this.#requests.look(signal)) !== null) this.#silence = null;
    const headings = await this.#headings();
    // A list that is empty, or was empty at the last reload, refuses nobody.
    if (!headings.every(({ hasCanary }) => hasCanary)) return null;
    const asked = await this.#requests.isRefused(INCLUDE_CANARY, signal);
    return asked.kind === "passed"
      ? { kind: "passed", error: notRefused(`the list ${this.#file.path}`, asked.where) }
      : asked;
  }

  async #headings() {
    return [await this.#file.heading(this.#file.path), await this.#file.heading(this.#file.applied)] as const;
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
    const doubtful = await this.#file.doubtful();
    const certain = running.difference(doubtful);
    return {
      inForce: listed.intersection(certain),
      waiting: listed.difference(certain),
      lingering: running.union(doubtful).difference(listed),
      unenforced: this.#unenforced,
      pending: written !== applied || doubtful.size > 0,
      drift,
    };
  }

  /** Tests Apache's configuration with the list as it is; when that fails, puts the last tested one back. */
  async #test(signal: AbortSignal): Promise<void> {
    const result = await this.#run("configtest", signal);
    if (result.ok) return this.#file.keep(this.#file.path, this.#file.tested);
    this.#written = null;
    await this.#file.putBack(await this.#kept.next(), this.#clock.now());
    const without = await this.#run("configtest", signal);
    throw configtestFailed(result, without);
  }
}

/** How many targets differ; at least 1 when the text does. */
const difference = (believed: string, found: string): number =>
  believed === found ? 0 : Math.max(1, targetsIn(believed).symmetricDifference(targetsIn(found)).size);
