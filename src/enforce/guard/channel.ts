import type { Socket } from "node:net";
import { LocalListener } from "../../local-socket/listener.ts";
import type { SocketPlace } from "../../local-socket/place.ts";
import { changedBlocks } from "../../model/block-changes.ts";
import type { Block } from "../../model/decision.ts";
import type { Target } from "../../model/ip.ts";
import type { UnixMs } from "../../model/time.ts";
import { type Enforced, NOTHING_ENFORCED } from "../enforcer.ts";
import { TargetsOf } from "../targets-of.ts";
import { AppConnection } from "./app-connection.ts";
import { lineOf } from "./messages.ts";

/** Each worker process of an app has one. */
export const MOST_APPS = 128;
const HEARTBEAT_MS = 15_000;

export interface ChannelOptions {
  /** Apps came or went, or were sent what they had not. */
  readonly changed?: () => void;
  readonly heartbeatMs?: number;
}

/**
 * The socket that apps get bans from, and the apps that are connected. It outlives a reload of the configuration, so that
 * apps stay connected. Nobody may connect before the first list is known: an empty snapshot would lift every ban.
 */
export class GuardChannel implements Disposable {
  readonly #changed: () => void;
  readonly #heartbeatMs: number;
  readonly #apps = new Set<AppConnection>();
  #place: SocketPlace | null = null;
  #listener: LocalListener | null = null;
  #beating: NodeJS.Timeout | null = null;
  #blocks: readonly Block[] = [];
  readonly #targets = new TargetsOf();
  #held: Enforced | null = NOTHING_ENFORCED;
  #waiting: (() => void)[] = [];
  #cut = 0;

  constructor({ changed = () => {}, heartbeatMs = HEARTBEAT_MS }: ChannelOptions = {}) {
    this.#changed = changed;
    this.#heartbeatMs = heartbeatMs;
  }

  /** Where to listen from the next list on; null: nowhere. Apps that cannot come back to a place are told to lift all. */
  use(place: SocketPlace | null): void {
    if (JSON.stringify(place) === JSON.stringify(this.#place)) return;
    if (place?.path !== this.#place?.path && this.#listener !== null) this.tell([]);
    this[Symbol.dispose]();
    this.#place = place;
  }

  /** Begins to listen, with the list as it is. Throws what is in the way. */
  async listen(): Promise<void> {
    const place = this.#place;
    if (place === null) return;
    if (this.#listener === null) {
      const accept = (socket: Socket) => this.#accept(socket);
      this.#listener = await LocalListener.start({ place, allowHalfOpen: false, accept });
      this.#beating = setInterval(() => {
        for (const app of this.#apps) app.beat();
      }, this.#heartbeatMs).unref();
    } else await this.#listener.look();
    if (this.#listener.problem !== null) throw this.#listener.problem;
  }

  /** Resolves when every app was sent what there is. */
  async allSent(): Promise<void> {
    while (this.#apps.size > 0 && this.held().pending)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** What apps that connect now are told, by target. */
  get targets(): ReadonlySet<Target> {
    return new Set(this.#targets.of(this.#blocks));
  }

  get counts(): { readonly apps: number; readonly cut: number } {
    return { apps: this.#apps.size, cut: this.#cut };
  }

  /** In force is what every connected app was sent. Without any app nothing is; it waits for one. */
  held(): Enforced {
    this.#held ??= this.#look();
    return this.#held;
  }

  #look(): Enforced {
    const known = this.#targets.of(this.#blocks);
    if (this.#apps.size === 0) return { ...NOTHING_ENFORCED, waiting: known, pending: known.size > 0 };
    const waiting = new Set<Target>();
    const lingering = new Set<Target>();
    for (const app of this.#apps) {
      for (const [target, until] of app.unsent()) {
        if (until === null) lingering.add(target);
        else if (known.has(target)) waiting.add(target);
      }
    }
    const inForce = waiting.size === 0 ? known : known.difference(waiting);
    const pending = waiting.size + lingering.size > 0;
    return { ...NOTHING_ENFORCED, inForce, waiting, lingering, pending };
  }

  /** Has every app know this list. */
  tell(blocks: readonly Block[]): void {
    // A copy: whoever asks may go on with the same list.
    const list = blocks.slice();
    const { gone, come } = changedBlocks(this.#blocks, list);
    this.#blocks = list;
    const changes = new Map<Target, UnixMs | null>();
    for (const [target, { until }] of come) changes.set(target, until);
    for (const target of gone.keys()) changes.set(target, null);
    if (changes.size === 0) return;
    for (const app of this.#apps) app.change(changes, list);
    this.#notice();
  }

  #accept(socket: Socket): void {
    if (this.#apps.size >= MOST_APPS) {
      socket.on("error", () => {});
      socket.write(lineOf({ type: "bye", reason: "too-many" }));
      socket.destroySoon();
      return;
    }
    const app = new AppConnection(socket, {
      heartbeatMs: this.#heartbeatMs,
      blocks: this.#blocks,
      changed: () => this.#notice(),
      cut: (sockets) => {
        this.#cut += sockets;
        this.#changed();
      },
    });
    this.#apps.add(app);
    socket.once("close", () => {
      this.#apps.delete(app);
      this.#notice();
    });
    this.#notice();
  }

  #notice(): void {
    this.#held = null;
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#changed();
  }

  /** Apps keep their bans, each until its end, and try to connect again. */
  [Symbol.dispose](): void {
    this.#listener?.[Symbol.dispose]();
    this.#listener = null;
    if (this.#beating !== null) clearInterval(this.#beating);
    this.#beating = null;
    for (const app of this.#apps) app.leave("stopping");
  }
}
