import { setTimeout as sleep } from "node:timers/promises";
import { Breaker } from "../decide/breaker.ts";
import { Ledger } from "../decide/ledger.ts";
import { Policy } from "../decide/policy.ts";
import { type Protected, protectedBy } from "../decide/protected.ts";
import { compileRules } from "../evaluate/compile-rule.ts";
import { CrawlerStates } from "../evaluate/crawler-states.ts";
import { Evaluator } from "../evaluate/evaluator.ts";
import { NearMisses } from "../evaluate/near-misses.ts";
import { Sockets } from "../evaluate/sockets.ts";
import type { ListedTargets } from "../lists/lists.ts";
import type { CountingStatus } from "../model/api.ts";
import { SekishoError } from "../model/errors.ts";
import { type Target, TargetSet } from "../model/ip.ts";
import type { LineBatch } from "../model/line.ts";
import { PackedTargets } from "../model/packed-targets.ts";
import { type Clock, toIso, type UnixMs } from "../model/time.ts";
import { createParser, detectFormat } from "../parse/formats.ts";
import type { LineParser } from "../parse/line-parser.ts";
import { judge, type Outcome, parseLines, type Stages } from "../pipeline.ts";
import type { StoreWriter } from "../store/writer.ts";
import { Tailer, type TailStatus } from "../tail/tailer.ts";
import { AuditSources, sharesSince } from "./audit-sources.ts";
import { haltProblem } from "./halt-problems.ts";
import type { IngestedSource, IngestSettings } from "./messages.ts";
import { SourceTimes } from "./source-times.ts";

/** Lines that decide the format of a source whose configuration leaves it open. */
const SAMPLE_LINES = 100;
/** How long to wait before a batch that could not be stored is tried again. */
const RETRY_MS = 1_000;
/** Where no lines come, all subjects are looked at once in so many sweeps. */
const SWEEPS_A_ROUND = 10;

type IngestionStatus = TailStatus & Pick<IngestedSource, "format" | "causes">;

/**
 * The pipeline that runs: lines are tailed, parsed, evaluated and decided, and each batch is stored with its checkpoint in
 * one transaction. After a crash the next run begins at the last checkpoint, with buckets counted again from the store.
 */
export class Ingestion implements Disposable {
  readonly #settings: IngestSettings;
  readonly #store: StoreWriter;
  readonly #clock: Clock;
  readonly #stages: Stages;
  readonly #auditSources: AuditSources;
  readonly #tailer: Tailer;
  readonly #parsers = new Map<number, LineParser>();
  /** The formats that sources were read by, of the settings before too: a reload changes no log. */
  readonly formats: Map<number, string>;
  readonly #trustedProxies: TargetSet;
  readonly #times = new SourceTimes();
  #present: readonly Target[];
  /** Whom imported lists allow. */
  #imported = new TargetSet();
  #givenUp: { readonly count: number; readonly at: string | null } = { count: 0, at: null };
  readonly crawlers: CrawlerStates;
  /** Why nothing can be stored at present. */
  storeProblem: SekishoError | null = null;

  /** `present`: where those come from who are signed in. `nearMisses` and `formats`: of the settings before. */
  constructor(
    settings: IngestSettings,
    store: StoreWriter,
    clock: Clock,
    present: readonly Target[] = [],
    nearMisses = new NearMisses(),
    formats = new Map<number, string>(),
  ) {
    this.formats = formats;
    this.#present = present;
    this.#settings = settings;
    this.#trustedProxies = new TargetSet(settings.trustedProxies);
    this.#store = store;
    this.#clock = clock;
    this.#auditSources = new AuditSources(settings.logs);
    for (const source of store.sources()) this.#auditSources.note(source);
    this.#auditSources.shares.load(store.bansByRules(sharesSince(clock.now())));
    this.crawlers = new CrawlerStates(settings.crawlers?.ranges, settings.crawlers?.dns);
    this.#stages = this.#restored(nearMisses);
    if (settings.lists !== undefined) this.useLists(settings.lists);
    this.#tailer = new Tailer(settings.logs, {
      register: (log) => {
        const source = store.register(log);
        this.storeProblem = null;
        this.#auditSources.note(source);
        return source;
      },
      checkpoints: (source) => store.checkpoints(source),
    });
  }

  /** The stages as they were when the last batch was stored: what rules count is counted again. */
  #restored(nearMisses: NearMisses): Stages {
    const { origins, rules, policy: limits, mode } = this.#settings;
    const { trustOf, shares } = this.#auditSources;
    const store = this.#store;
    const compiled = compileRules(rules, { origins: new Set(origins), crawlers: this.crawlers });
    const evaluator = new Evaluator(compiled, trustOf);
    evaluator.nearMisses = nearMisses;
    nearMisses.keepOnly(compiled);
    const sockets = new Sockets(store.sockets.unended(), store.sockets.nextId);
    const breaker = new Breaker(limits.breaker ?? null, store.halts.all());
    const { memory } = evaluator;
    evaluator.restore(
      breaker.recalled(sockets.recalled(store.recentEvents(memory))),
      store.consumed(memory),
      store.forgiven(memory),
    );
    const isEnforcing = (): boolean => mode === "enforce" && !breaker.isHalted("panic");
    const ledger = new Ledger(limits.memory, isEnforcing, limits.grace);
    ledger.load(store.bansSince((this.#clock.now() - limits.memory) as UnixMs));
    const policy = new Policy(limits, ledger, this.#protected(), trustOf, shares, breaker);
    return { ledger, sockets, evaluator, policy };
  }

  [Symbol.dispose](): void {
    this.#tailer[Symbol.dispose]();
  }

  get policy(): Policy {
    return this.#stages.policy;
  }
  get ledger(): Ledger {
    return this.#stages.ledger;
  }
  get evaluator(): Evaluator {
    return this.#stages.evaluator;
  }

  /** Reads until the signal aborts. `committed` is told of each batch that is in the store. */
  async run(signal: AbortSignal, committed: (outcome: Outcome) => void): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#follow(signal, committed);
      } catch (error) {
        // A log that appears while nothing can be stored is taken up when that has passed.
        await this.#wait(error, signal);
      }
    }
  }

  async #follow(signal: AbortSignal, committed: (outcome: Outcome) => void): Promise<void> {
    for await (const batch of this.#tailer.batches(signal)) {
      const now = this.#clock.now();
      const events = parseLines(batch, this.#parserOf(batch), batch.source.id, now);
      // Where nothing parses any more, Apache's LogFormat was changed: the next batch is looked at anew.
      const isStrange = events.length > 0 && events.every(({ kind }) => kind === "unparsed");
      if (isStrange && batch.source.kind === "access") this.#parsers.delete(batch.source.id);
      this.#times.note(batch.source, events, now);
      const outcome = judge(events, this.#stages, now);
      // In a flood most lines bring a new subject. As many old ones are looked at, or those whose time is over would pile up.
      this.#forgetOver(events.length, now);
      if (!(await this.#stored({ ...outcome, checkpoint: batch.checkpoint }, signal))) return;
      committed(outcome);
    }
  }

  /** Tries until it is stored, as a full disk is a state that passes; false when the signal aborts before. */
  async #stored(batch: Parameters<StoreWriter["commit"]>[0], signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      try {
        this.#store.commit(batch);
        this.storeProblem = null;
        return true;
      } catch (error) {
        await this.#wait(error, signal);
      }
    }
    return false;
  }

  /** Waits a while when the store's complaint is one that passes; throws anything else. */
  async #wait(error: unknown, signal: AbortSignal): Promise<void> {
    if (!(error instanceof SekishoError)) throw error;
    if (error.code !== "DISK_FULL" && error.code !== "DATABASE_LOCKED") throw error;
    this.storeProblem = error;
    await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
  }

  #parserOf({ source, lines }: LineBatch): LineParser {
    const known = this.#parsers.get(source.id);
    if (known !== undefined) return known;
    const sample = lines.slice(0, SAMPLE_LINES);
    const fields = source.fields ?? undefined;
    const isAuto = source.kind === "access" && source.format === "auto";
    const format = isAuto ? detectFormat(sample, fields) : source.format;
    // Until a line tells, the commonest format takes them: each is kept as unparsed, and the next batch is looked at again.
    if (format === null) return createParser("access", "combined", source.timezone);
    const parser = createParser(source.kind, format, source.timezone, {
      fields,
      trustedProxies: this.#trustedProxies,
      since: this.#store.newestTime(source.id),
    });
    this.#parsers.set(source.id, parser);
    this.formats.set(source.id, parser.format);
    return parser;
  }

  /** Each source with the format it is read by, and what it has caused. */
  sources(): readonly IngestionStatus[] {
    const now = this.#clock.now();
    return this.#tailer.status().map((status) => ({
      ...status,
      causes: this.#auditSources.causes(status.source.id, now),
      problem: status.problem ?? this.#times.problem(status.source),
      format: this.#formatOf(status.source),
    }));
  }

  /** Only of an access log lines have to tell; what they told before a reload holds until they tell otherwise. */
  #formatOf({ id, kind, format }: TailStatus["source"]): string {
    if (format !== "auto") return this.#parsers.get(id)?.format ?? format;
    return kind === "access" ? (this.formats.get(id) ?? format) : kind;
  }

  problems(): SekishoError[] {
    const sources = this.#tailer.status().map(({ source }) => source.id);
    return [
      ...[this.storeProblem, this.#tailer.watchProblem].filter((problem) => problem !== null),
      ...this.policy.breaker.halts.map(haltProblem),
      ...this.#auditSources.problems(sources, this.#clock.now()),
    ];
  }

  /** Those who are signed in come from there. */
  protectPresent(targets: readonly Target[]): void {
    this.#present = targets;
    this.refreshProtected();
  }

  /** What is counted, and when it was seen last that somebody gave way to others. */
  counting(): CountingStatus {
    const { subjects, givenUp } = this.#stages.evaluator.counting;
    if (givenUp > this.#givenUp.count) this.#givenUp = { count: givenUp, at: toIso(this.#clock.now()) };
    return { subjects, givenUp, givenUpAt: this.#givenUp.at };
  }

  /** Takes note of imported lists: whom enforcers refuse, and who is never banned. */
  useLists({ blocked, allowed }: ListedTargets): void {
    this.#imported = new TargetSet(allowed);
    this.ledger.setListed(new PackedTargets(blocked));
    this.refreshProtected();
  }

  /** Looks again at who is never banned: the allowlist changed, or this host got an address. */
  refreshProtected(): void {
    this.#stages.policy.protectedTargets = this.#protected();
  }

  #protected(): Protected {
    return protectedBy(
      [...this.#settings.allowlist, ...this.#store.allowed()],
      this.#settings.trustedProxies,
      this.#present,
      this.#imported,
    );
  }

  /** Now and then: lets go of what no later line can add to. */
  purge(): void {
    const { ledger, evaluator } = this.#stages;
    const now = this.#clock.now();
    ledger.purge(now);
    this.#forgetOver(Math.ceil(evaluator.counting.subjects / SWEEPS_A_ROUND), now);
  }

  #forgetOver(subjects: number, now: UnixMs): void {
    const { evaluator } = this.#stages;
    const through = this.#times.readThrough(now, evaluator.memory, this.#tailer.status());
    if (through !== null) evaluator.forgetOver(through, subjects);
  }
}
