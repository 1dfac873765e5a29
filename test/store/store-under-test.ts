import { join } from "node:path";
import type { LogEvent } from "../../src/model/event.ts";
import type { Finding } from "../../src/model/finding.ts";
import type { Target } from "../../src/model/ip.ts";
import type { Clock, UnixMs } from "../../src/model/time.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { at } from "../evaluate/events.ts";
import { finding as bareFinding } from "../evaluate/findings.ts";

/** A store with its writer and a reader, and one log whose checkpoint moves with each batch. */
export class Store implements Disposable {
  readonly file: string;
  readonly clock: Clock & { time: UnixMs } = { time: at(1_000), now: () => this.clock.time };
  readonly writer: StoreWriter;
  readonly reader: StoreReader;
  readonly #source: ReturnType<StoreWriter["register"]>;
  #offset = 0;

  constructor(folder: string, unparsedBudget = 1 << 20) {
    this.file = join(folder, "sekisho.sqlite");
    this.writer = new StoreWriter(this.file, unparsedBudget, this.clock);
    this.reader = new StoreReader(this.file, this.clock);
    this.#source = this.writer.register({
      path: "/var/log/access.log",
      kind: "access",
      format: "auto",
      timezone: null,
    });
  }

  commit(events: readonly LogEvent[], findings: readonly Finding[] = [], bans: readonly Target[] = []): void {
    this.#offset += 100;
    this.writer.commit({
      sockets: [],
      events,
      findings,
      judgements: findings.map((finding, index) =>
        bans[index] === undefined
          ? { kind: "none" }
          : {
              kind: "ban",
              decision: {
                kind: "ban",
                target: bans[index],
                rule: finding.rule,
                by: "rule",
                reason: "why",
                at: finding.lastSeen,
                until: at(5_000),
                reportedBy: finding.report?.source ?? null,
              },
            },
      ),
      checkpoint: {
        source: this.#source.id,
        fingerprint: { device: 1, inode: 2, head: "ab", headLength: 1 },
        offset: this.#offset,
        tail: "cd",
      },
    });
  }
  checkpoints = () => this.writer.checkpoints(this.#source);

  [Symbol.dispose](): void {
    this.reader[Symbol.dispose]();
    this.writer[Symbol.dispose]();
  }
}
export { target } from "../evaluate/findings.ts";
/** A finding with evidence. */
export const finding: typeof bareFinding = (subject, seconds, fields = {}) =>
  bareFinding(subject, seconds, {
    firstSeen: at(seconds - 5),
    evidence: ["first line", "last line"],
    ...fields,
  });
export const all = { limit: 50, cursor: null };
