/** The ingestion thread: the only writer to the store. It runs the pipeline and carries out commands between batches. */
import { parentPort, workerData } from "node:worker_threads";
import { hostPlaces } from "../decide/protected.ts";
import { unreachable } from "../model/brand.ts";
import { messageOf, SekishoError } from "../model/errors.ts";
import type { Target } from "../model/ip.ts";
import { type Clock, unixMs } from "../model/time.ts";
import { explainedError } from "../store/database.ts";
import { StoreWriter } from "../store/writer.ts";
import { DecisionsByPeople } from "./decisions-by-people.ts";
import { Ingestion } from "./ingestion.ts";
import type {
  Answers,
  Command,
  Complaint,
  FromWorker,
  IngestSettings,
  ToWorker,
  WorkerData,
} from "./messages.ts";
import { Telling } from "./telling.ts";

const STATE_EVERY_MS = 1_000;

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

class IngestWorker {
  readonly #store: StoreWriter;
  readonly #telling = new Telling(tell);
  readonly #people: DecisionsByPeople;
  #settings: IngestSettings;
  #ingestion: Ingestion;
  #stopRun = new AbortController();
  #running: Promise<void>;
  /** Where those come from who are signed in. */
  #present: readonly Target[] = [];
  #host = hostPlaces();

  constructor({ databaseFile, unparsedBudget, settings }: WorkerData) {
    this.#store = new StoreWriter(databaseFile, unparsedBudget, clock);
    // What is stored can be enforced while rules are compiled and what they count is counted again.
    tell({ kind: "opened" });
    this.#settings = settings;
    this.#ingestion = new Ingestion(settings, this.#store, clock);
    this.#people = new DecisionsByPeople(
      this.#store,
      () => this.#ingestion,
      (what) => this.#telling.tellChange(what),
    );
    this.#running = this.#run();
  }

  /** Goes on with other settings, or with those it had when the new ones cannot run. */
  async #configure(settings: IngestSettings): Promise<void> {
    await this.#stop();
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
      await this.#ingestion.run(this.#stopRun.signal, (outcome) => this.#telling.note(outcome));
    } catch (error) {
      tell({ kind: "failed", error: complaint(error) });
    }
  }

  async #stop(): Promise<void> {
    this.#stopRun.abort();
    await this.#running;
    this.#ingestion[Symbol.dispose]();
  }

  /** Lets go of what is over, and tells how things are. */
  lookAround(): void {
    this.#ingestion.purge();
    this.#tellState();
  }

  #tellState(): void {
    const replaced = this.#store.replaced();
    if (replaced !== null) tell({ kind: "failed", error: complaint(replaced) });
    this.#telling.tellRest();
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
      case "ban":
        return this.#people.ban(command.target, command.length, command.reason, now);
      case "unban":
        this.#people.unban(command.target, now);
        return null;
      case "allow":
        return this.#people.allow(command.target, command.reason, now);
      case "disallow":
        this.#people.disallow(command.target);
        return null;
      case "panic": {
        const lifted = this.#people.panic(now);
        this.#tellState();
        return lifted;
      }
      case "end-halt": {
        const lifted = this.#people.endHalt(command.name, command.lift, now);
        this.#tellState();
        return lifted;
      }
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
        await this.#stop();
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
    if (host !== this.#host) this.#telling.tellChange();
    this.#host = host;
  }
}

try {
  const worker = new IngestWorker(workerData as WorkerData);
  const stateTimer = setInterval(() => worker.lookAround(), STATE_EVERY_MS);
  let queue = Promise.resolve();
  port.on("message", ({ id, command }: ToWorker) => {
    // One after the other: a command may wait for the pipeline to stop.
    queue = queue.then(async () => {
      try {
        tell({ kind: "answer", id, value: await worker.carryOut(command) });
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
  worker.lookAround();
} catch (error) {
  tell({ kind: "failed", error: complaint(error) });
}
