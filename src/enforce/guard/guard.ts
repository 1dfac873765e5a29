import { setTimeout as sleep } from "node:timers/promises";
import { placeProblem, type SocketPlace } from "../../local-socket/place.ts";
import type { Block } from "../../model/decision.ts";
import type { Target } from "../../model/ip.ts";
import type { Enforced, Enforcer } from "../enforcer.ts";
import type { GuardChannel } from "./channel.ts";

/** How long `apply` waits for apps that read slowly. */
const PATIENCE_MS = 1_000;

/** Blocks in the apps themselves: they are told who is banned (docs/guard.md), refuse them and cut their sockets. */
export class Guard implements Enforcer {
  readonly name = "guard";
  readonly level = "request";
  readonly schedule = null;
  readonly #place: SocketPlace;
  readonly #channel: GuardChannel;
  readonly #data: string | null;

  /** `data`: where Sekisho keeps its data; null: whoever looks runs it. */
  constructor(place: SocketPlace, channel: GuardChannel, data: string | null = null) {
    this.#place = place;
    this.#channel = channel;
    this.#data = data;
  }

  async probe(): Promise<void> {
    const problem = placeProblem(this.#place, this.#data);
    if (problem !== null) throw problem;
  }

  async blocked(): Promise<ReadonlySet<Target>> {
    return this.#channel.targets;
  }

  async reconcile(want: readonly Block[]): Promise<Enforced> {
    this.#channel.use(this.#place);
    this.#channel.tell(want);
    await this.#channel.listen();
    return this.current();
  }

  /** In observe mode this is all that is asked of it: who connects then is told that nobody is banned. */
  async apply(signal: AbortSignal): Promise<Enforced> {
    this.#channel.use(this.#place);
    await this.#channel.listen();
    await Promise.race([this.#channel.allSent(), sleep(PATIENCE_MS, undefined, { ref: false, signal })]);
    return this.current();
  }

  current(): Enforced {
    return this.#channel.held();
  }

  note(): string {
    const { apps, cut } = this.#channel.counts;
    const connected = `${apps === 0 ? "no app is" : apps === 1 ? "1 app is" : `${apps} apps are`} connected`;
    if (cut === 0) return connected;
    return `${connected}; apps closed ${cut === 1 ? "1 socket" : `${cut.toLocaleString("en")} sockets`} of banned clients`;
  }
}
