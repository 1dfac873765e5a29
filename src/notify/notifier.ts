import { setTimeout as sleep } from "node:timers/promises";
import { asSekishoError, type SekishoError } from "../model/errors.ts";
import { SEVERITIES, type Severity } from "../model/finding.ts";
import { inAscii } from "../model/safe-text.ts";
import { type DurationMs, LONGEST_TIMER_MS } from "../model/time.ts";
import { type Channel, type ChannelSettings, channelName, channelOf } from "./channel.ts";
import { type Message, MOST_SHOWN, type Notice } from "./notice.ts";

export type NotificationSettings = ChannelSettings & {
  /** What is less severe is not sent. */
  readonly minSeverity: Severity;
  /** At most one message in so long. */
  readonly every: DurationMs;
};

/** An attack begins with several findings: the first message waits for them. */
const GATHER_MS = 5_000;
const TRIES = 4;
const FIRST_RETRY_MS = 2_000;

/** Who tells, and where a person looks. */
export type Sender = Pick<Message, "host" | "dashboard">;

/** How it goes with one channel. */
export interface ChannelStatus {
  readonly name: string;
  readonly sent: number;
  /** Messages that no try brought there. */
  readonly failed: number;
  readonly problem: SekishoError | null;
}

/** Sends notices to all channels. Nothing waits for it, and nothing fails with it. */
export class Notifier implements Disposable {
  readonly #from: Sender;
  readonly #onChange: () => void;
  readonly #gatherMs: number;
  #posts: readonly Post[] = [];

  constructor(from: Sender, onChange: () => void, gatherMs = GATHER_MS) {
    this.#from = from;
    this.#onChange = onChange;
    this.#gatherMs = gatherMs;
  }

  /** Goes on with other channels. What has not been sent by the old ones is given up. */
  use(settings: readonly NotificationSettings[]): void {
    for (const post of this.#posts) post[Symbol.dispose]();
    this.#posts = settings.map((each) => new Post(each, this.#from, this.#onChange, this.#gatherMs));
  }

  tell(notice: Notice): void {
    for (const post of this.#posts) post.tell(notice);
  }

  statuses(): ChannelStatus[] {
    return this.#posts.map((post) => post.status());
  }

  [Symbol.dispose](): void {
    this.use([]);
  }
}

/** One channel, and what waits to go there. */
class Post implements Disposable {
  readonly #settings: NotificationSettings;
  readonly #channel: Channel;
  readonly #from: Sender;
  readonly #onChange: () => void;
  readonly #gatherMs: number;
  readonly #ending = new AbortController();
  /** The first of what waits; the rest is only counted. */
  #waiting: Notice[] = [];
  #count = 0;
  #gravest: Severity = "info";
  #isBusy = false;
  #sent = 0;
  #failed = 0;
  #problem: SekishoError | null = null;

  constructor(settings: NotificationSettings, from: Sender, onChange: () => void, gatherMs: number) {
    this.#settings = settings;
    this.#channel = channelOf(settings);
    this.#from = from;
    this.#onChange = onChange;
    this.#gatherMs = gatherMs;
  }

  tell(notice: Notice): void {
    if (rank(notice.severity) < rank(this.#settings.minSeverity)) return;
    this.#count++;
    if (this.#waiting.length < MOST_SHOWN) this.#waiting.push(notice);
    if (rank(notice.severity) > rank(this.#gravest)) this.#gravest = notice.severity;
    if (!this.#isBusy) void this.#run();
  }

  status(): ChannelStatus {
    const name = channelName(this.#settings);
    return { name, sent: this.#sent, failed: this.#failed, problem: this.#problem };
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
  }

  /** Sends what waits, one message and then a rest, until nothing waits. */
  async #run(): Promise<void> {
    const { signal } = this.#ending;
    this.#isBusy = true;
    try {
      await sleep(this.#gatherMs, undefined, { signal, ref: false });
      while (this.#count > 0) {
        await this.#send(this.#take(), signal);
        await sleep(Math.min(this.#settings.every, LONGEST_TIMER_MS), undefined, { signal, ref: false });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#isBusy = false;
    }
  }

  #take(): Message {
    const [notices, count, severity] = [this.#waiting, this.#count, this.#gravest];
    this.#waiting = [];
    this.#count = 0;
    this.#gravest = "info";
    return {
      ...this.#from,
      severity,
      title: titleOf(this.#from.host, severity, notices, count),
      notices,
      count,
    };
  }

  async #send(message: Message, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#channel(message, signal);
        this.#sent++;
        this.#problem = null;
        break;
      } catch (error) {
        signal.throwIfAborted();
        this.#problem = asSekishoError(error);
        if (tries === TRIES) {
          this.#failed++;
          break;
        }
        this.#onChange();
        await sleep(FIRST_RETRY_MS * 4 ** (tries - 1), undefined, { signal, ref: false });
      }
    }
    this.#onChange();
  }
}

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);

/** ASCII, as it becomes a header. */
function titleOf(host: string, severity: Severity, notices: readonly Notice[], count: number): string {
  const bans = notices.filter(({ signal }) => signal === "ban.decided").length;
  const parts = [counted(bans, "ban"), counted(count - bans, "problem")].filter((part) => part !== "");
  // Of those that are not kept it is not known what they are.
  const what = count > notices.length ? `${count} events` : parts.join(", ");
  return inAscii(`Sekisho on ${host}: ${what} (${severity})`);
}

const counted = (amount: number, noun: string): string =>
  amount === 0 ? "" : `${amount} ${noun}${amount === 1 ? "" : "s"}`;
