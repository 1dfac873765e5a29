import type { Decision } from "../model/decision.ts";
import type { Target } from "../model/ip.ts";
import type { Passed } from "../model/passed.ts";
import type { Outcome } from "../pipeline.ts";
import type { Committed, FromWorker } from "./messages.ts";

/** A ban is told at once; of findings and mere lines, which a busy site has twenty batches a second of, this often. */
const TELL_EVERY_MS = 200;
/** Decisions of one batch that are named in the daemon's log. */
const TOLD_AT_ONCE = 20;

const NOTHING = {
  bans: false,
  incidents: false,
  sockets: false,
  lines: 0,
  passed: [],
  decided: [],
  lifted: [],
};
const nothingUntold = () => ({ lines: 0, incidents: false, sockets: false, passed: [] as Passed[] });

/** Tells the main thread what was committed, some batches at a time. */
export class Telling {
  readonly #tell: (message: FromWorker) => void;
  /** What was committed since it was told last. */
  #untold = nothingUntold();
  #toldAt = 0;

  constructor(tell: (message: FromWorker) => void) {
    this.#tell = tell;
  }

  /** A batch is in the store. */
  note({ events, sockets, findings, judgements, passed }: Outcome): void {
    const bans = judgements.filter((judgement) => judgement.kind === "ban").map(({ decision }) => decision);
    this.#untold.lines += events.length;
    this.#untold.incidents ||= findings.length > 0;
    this.#untold.sockets ||= sockets.length > 0;
    this.#untold.passed.push(...passed);
    const isDue = performance.now() - this.#toldAt >= TELL_EVERY_MS;
    if (isDue || bans.length > 0) this.tellRest(bans);
  }

  /** Tells what was not told yet. */
  tellRest(bans: readonly Decision[] = []): void {
    if (this.#untold.lines === 0) return;
    const decided = bans.slice(0, TOLD_AT_ONCE).map(toldOf);
    this.#tell({ kind: "committed", ...NOTHING, ...this.#untold, bans: bans.length > 0, decided });
    this.#untold = nothingUntold();
    this.#toldAt = performance.now();
  }

  /** Whom enforcers should hold changed, but not by lines. */
  tellChange({ decided = [], lifted = [] }: WhatChanged = {}): void {
    const named = { decided: decided.map(toldOf), lifted: lifted.slice(0, TOLD_AT_ONCE) };
    this.#tell({ kind: "committed", ...NOTHING, bans: true, ...named });
  }
}

export interface WhatChanged {
  readonly decided?: readonly Decision[];
  readonly lifted?: readonly Target[];
}

const toldOf = ({ target, reason, by, rule }: Decision): Committed["decided"][number] => ({
  ...{ target, reason, by, rule },
});
