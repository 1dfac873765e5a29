/** The ingestion thread: the only writer to the store. It runs the pipeline and carries out commands between batches. */
import { parentPort, workerData } from "node:worker_threads";
import { hostPlaces } from "../decide/protected.ts";
import { unreachable } from "../model/brand.ts";
import type { Decision } from "../model/decision.ts";
import { messageOf, SekishoError } from "../model/errors.ts";
import type { Halt, HaltName } from "../model/halt.ts";
import { type Target, TargetSet } from "../model/ip.ts";
import type { Passed } from "../model/passed.ts";
import { type Clock, NEVER, type UnixMs, unixMs } from "../model/time.ts";
import type { Outcome } from "../pipeline.ts";
import { explainedError } from "../store/database.ts";
import type { Lifted } from "../store/halts.ts";
import { StoreWriter } from "../store/writer.ts";
import { Ingestion } from "./ingestion.ts";
import type {
  Answers,
  Command,
  Committed,
  Complaint,
  FromWorker,
  IngestSettings,
  ToWorker,
  WorkerData,
} from "./messages.ts";
import { notBanned } from "./not-banned.ts";

const STATE_EVERY_MS = 1_000;
/** A ban is told at once; of findings and mere lines, which a busy site has twenty batches a second of, this often. */
const TELL_EVERY_MS = 200;
/** Decisions of one batch that are named in the daemon's log. */
const TOLD_AT_ONCE = 20;

const clock: Clock = { now: () => unixMs(Date.now()) };
const port = parentPort!;
const tell = (message: FromWorker): void => port.postMessage(message);
const { databaseFile } = workerData as WorkerData;
const complaint = (thrown: unknown): Complaint => {
  const error = explainedError(databaseFile, thrown);
  return error instanceof SekishoError
    ? { code: error.code, message: error.message, hint: error.hint }
    : {
        code: "INTERNAL",
        message: error instanceof Error ? (error.stack ?? error.message) : messageOf(error),
        hint: "please report it",
      };
};

const nothingUntold = () => ({ lines: 0, incidents: false, sockets: false, passed: [] as Passed[] });

class IngestWorker {
  readonly #store: StoreWriter;
  #settings: IngestSettings;
  #ingestion: Ingestion;
  #stopRun = new AbortController();
  #running: Promise<void>;
  /** What was committed since the main thread was told last. */
  #untold = nothingUntold();
  #toldAt = 0;
  /** Where those come from who are signed in. */
  #present: readonly Target[] = [];
  #host = hostPlaces();

  constructor({ databaseFile, unparsedBudget, settings }: WorkerData) {
    this.#store = new StoreWriter(databaseFile, unparsedBudget, clock);
    // What is stored can be enforced while rules are compiled and what they count is counted again.
    tell({ kind: "opened" });
    this.#settings = settings;
    this.#ingestion = new Ingestion(settings, this.#store, clock);
    this.#running = this.#run();
  }

  /** Goes on with other settings, or with those it had when the new ones cannot run. */
  async #configure(settings: IngestSettings): Promise<void> {
    await this.#halt();
    try {
      this.#ingestion = this.#ingestionBy(settings);
      this.#settings = settings;
    } catch (error) {
      this.#ingestion = this.#ingestionBy(this.#settings);
      throw error;
    } finally {
      this.#stopRun = new AbortController();
      this.#running = this.#run();
    }
  }

  #ingestionBy(settings: IngestSettings): Ingestion {
    const { evaluator, formats } = this.#ingestion;
    return new Ingestion(settings, this.#store, clock, this.#present, evaluator.nearMisses, formats);
  }

  async #run(): Promise<void> {
    try {
      await this.#ingestion.run(this.#stopRun.signal, (outcome) => this.#note(outcome));
    } catch (error) {
      tell({ kind: "failed", error: complaint(error) });
    }
  }

  #note({ events, sockets, findings, judgements, passed }: Outcome): void {
    const bans = judgements.filter((judgement) => judgement.kind === "ban").map(({ decision }) => decision);
    this.#untold.lines += events.length;
    this.#untold.incidents ||= findings.length > 0;
    this.#untold.sockets ||= sockets.length > 0;
    this.#untold.passed.push(...passed);
    const isDue = performance.now() - this.#toldAt >= TELL_EVERY_MS;
    if (isDue || bans.length > 0) this.#tellCommitted(bans);
  }

  #tellCommitted(bans: readonly Decision[] = []): void {
    if (this.#untold.lines === 0) return;
    tell({
      kind: "committed",
      bans: bans.length > 0,
      ...this.#untold,
      decided: bans.slice(0, TOLD_AT_ONCE).map(toldOf),
      lifted: [],
    });
    this.#untold = nothingUntold();
    this.#toldAt = performance.now();
  }

  async #halt(): Promise<void> {
    this.#stopRun.abort();
    await this.#running;
    this.#ingestion[Symbol.dispose]();
  }

  tellState(): void {
    const replaced = this.#store.replaced();
    if (replaced !== null) tell({ kind: "failed", error: complaint(replaced) });
    this.#ingestion.purge();
    this.#tellCommitted();
    tell({
      kind: "state",
      counting: this.#ingestion.counting(),
      claims: this.#ingestion.crawlers.takeAsked(),
      sources: this.#ingestion.sources().map(({ source, format, lagBytes, problem, causes }) => ({
        path: source.path,
        kind: source.kind,
        format,
        lagBytes,
        causes,
        problem: problem === null ? null : complaint(problem),
      })),
      problems: this.#ingestion.problems().map(complaint),
    });
  }

  async carryOut(command: Command): Promise<Answers[Command["kind"]]> {
    const now = clock.now();
    switch (command.kind) {
      case "configure":
        await this.#configure(command.settings);
        return null;
      case "ban": {
        const { target, length, reason } = command;
        const decision = this.#ingestion.policy.banByPerson(target, length, reason, now);
        const { id } = this.#store.decide(decision);
        const replacedUntil = this.#ingestion.ledger.runsUntil(decision.target, now);
        this.#ingestion.ledger.replace(decision);
        this.#tellDecided({ decided: [decision] });
        return { id, replacedUntil };
      }
      case "unban":
        if (this.#lift(command.target) === 0) throw notBanned(this.#ingestion, command.target, now);
        this.#tellDecided({ lifted: [command.target] });
        return null;
      case "allow":
        return this.#allow(command.target, command.reason);
      case "disallow": {
        if (this.#store.revoke("allow", command.target) === 0) {
          throw new SekishoError(
            "TARGET_NOT_ALLOWLISTED",
            `${command.target} is not on the allowlist that people keep`,
            "sekisho allow lists it; what the configuration allows is changed there: allowlist in sekisho.yaml",
          );
        }
        this.#ingestion.refreshProtected();
        this.#tellDecided();
        return null;
      }
      case "panic":
        return this.#panic(now);
      case "end-halt":
        return this.#endHalt(command.name, command.lift);
      case "set-incident":
        return this.#store.setIncidentState(command.id, command.state);
      case "close-quiet-incidents":
        return this.#store.closeQuietIncidents(command.lastSeenBefore);
      case "refresh-addresses":
        this.#refreshAddresses();
        return null;
      case "protect-present":
        this.#present = command.targets;
        this.#ingestion.protectPresent(command.targets);
        return null;
      case "note-crawlers":
        this.#ingestion.crawlers.noteVerdicts(command.verdicts);
        return null;
      case "set-crawler-ranges":
        this.#ingestion.crawlers.setRanges(command.ranges);
        return null;
      case "note-lingering":
        this.#ingestion.ledger.setLingering(command.targets);
        return null;
      case "near-misses":
        return this.#ingestion.evaluator.nearMisses.all(now);
      case "use-lists":
        this.#settings = { ...this.#settings, lists: command.lists };
        this.#ingestion.useLists(command.lists);
        return null;
      case "delete-old-events":
        return this.#store.retain(command.limits);
      case "stop":
        await this.#halt();
        this.#store[Symbol.dispose]();
        return null;
      default:
        return unreachable(command);
    }
  }

  /** A ban that is there must not block what is this host's own by now. */
  #refreshAddresses(): void {
    this.#ingestion.refreshProtected();
    const host = hostPlaces();
    if (host !== this.#host) this.#tellDecided();
    this.#host = host;
  }

  /** Ends the running bans of exactly this target; how many. */
  #lift(target: Target): number {
    const lifted = this.#store.revoke("ban", target);
    // A batch that waits for room on the disk may hold a ban of it: that one is not taken back, but will come.
    if (lifted === 0) return 0;
    this.#ingestion.ledger.revoke(target, clock.now());
    this.#ingestion.evaluator.forget(target);
    return lifted;
  }

  /** Ends the bans of many, and says so; how many. */
  #liftMany(which: Lifted): number {
    const lifted = this.#store.liftBans(which);
    const now = clock.now();
    for (const target of lifted) this.#ingestion.ledger.revoke(target, now);
    this.#ingestion.evaluator.forget(new TargetSet(lifted));
    this.#tellDecided({ lifted });
    return lifted.length;
  }

  #panic(now: UnixMs): number {
    const halt: Halt = { name: "panic", since: now, reason: "sekisho panic", from: now };
    this.#store.halts.begin(halt);
    this.#ingestion.policy.breaker.begin(halt);
    const lifted = this.#liftMany("all");
    this.tellState();
    return lifted;
  }

  #endHalt(name: HaltName, lift: boolean): number {
    const { breaker } = this.#ingestion.policy;
    const halt = breaker.halts.find((each) => each.name === name);
    if (halt === undefined) throw notHalted(name);
    // Lifting first: where it cannot be stored, all of it can be asked for again.
    const lifted = lift ? this.#liftMany({ decidedFrom: halt.from }) : 0;
    // The batch that began it may still wait for room on the disk.
    if (!this.#store.halts.end(name)) throw this.#ingestion.storeProblem ?? notHalted(name);
    breaker.end(name);
    this.tellState();
    return lifted;
  }

  /** Somebody who must never be banned must not be banned now either: every ban that touches the target ends. */
  #allow(target: Target, reason: string): Target[] {
    const now = clock.now();
    const allowed = { kind: "allow", target, rule: null, by: "person", reason, at: now } as const;
    this.#store.decide({ ...allowed, until: NEVER, reportedBy: null });
    this.#ingestion.refreshProtected();
    const lifted = new Set<Target>();
    for (const ban of this.#store.bansSince(now)) {
      if (ban.revokedAt !== null) continue;
      if (this.#ingestion.policy.protectedTargets.reason(ban.target) === null) continue;
      if (this.#lift(ban.target) > 0) lifted.add(ban.target);
    }
    this.#tellDecided({ lifted: [...lifted] });
    return [...lifted];
  }

  #tellDecided(what: Partial<Pick<Committed, "decided" | "lifted">> = {}): void {
    const { decided = [], lifted = [] } = what;
    tell({
      kind: "committed",
      bans: true,
      incidents: false,
      sockets: false,
      lines: 0,
      passed: [],
      decided: decided.map(toldOf),
      lifted: lifted.slice(0, TOLD_AT_ONCE),
    });
  }
}

const notHalted = (name: HaltName): SekishoError =>
  new SekishoError(
    "NOT_HALTED",
    name === "panic" ? "there is no panic to end" : "the circuit breaker is not open",
    "sekisho status shows what keeps rules from banning, if anything does",
  );

try {
  const thread = new IngestWorker(workerData as WorkerData);
  const stateTimer = setInterval(() => thread.tellState(), STATE_EVERY_MS);
  let queue = Promise.resolve();
  port.on("message", ({ id, command }: ToWorker) => {
    // One after the other: a command may wait for the pipeline to stop.
    queue = queue.then(async () => {
      try {
        tell({ kind: "answer", id, value: await thread.carryOut(command) });
      } catch (error) {
        tell({ kind: "refusal", id, error: complaint(error) });
      }
      if (command.kind === "stop") {
        clearInterval(stateTimer);
        port.close();
      }
    });
  });
  tell({ kind: "reading" });
  thread.tellState();
} catch (error) {
  tell({ kind: "failed", error: complaint(error) });
}

const toldOf = ({
  target,
  reason,
  by,
  rule,
}: Committed["decided"][number]): Committed["decided"][number] => ({
  target,
  reason,
  by,
  rule,
});
