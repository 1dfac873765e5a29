import { randomBytes } from "node:crypto";
import { link, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Block } from "../../model/decision.ts";
import { messageOf, SekishoError, systemCode } from "../../model/errors.ts";
import { parseTarget, type Target } from "../../model/ip.ts";
import type { Clock } from "../../model/time.ts";
import { areSame, type Ends, endsOf } from "../ends.ts";
import { type Enforced, type Enforcer, NOTHING_ENFORCED } from "../enforcer.ts";
import { textOf } from "../text-of.ts";
import { REQUEST, readAnswer, requestText, SIGN, UFW_ANSWERS, type UfwAnswer } from "./request.ts";

const LOOK_MS = 20;
/** An end that is so near may have come in ufw's set already. */
const NEAR_MS = 2_000;

export interface UfwByRootOptions {
  readonly requests: string;
  readonly clock: Clock;
  readonly answers?: string;
  /** How long root's half may give no sign. Default: ten seconds; it gives one each second. */
  readonly patienceMs?: number;
}

/** What root's half held at its last answer, and until when that was wanted. */
interface Left {
  readonly want: Ends;
  readonly held: readonly string[];
}

/**
 * ufw for a Sekisho without root: it leaves a request in a file, which sekisho-ufw.path sees, and waits for the answer of
 * `UfwAsRoot`, which runs `Ufw`.
 *
 *     beside ── link, while no other waits ──▶ request ── taken ──▶ signs of work, one a second ──▶ answer
 *                                                 └── no sign for ten seconds: withdrawn, UFW_NO_ANSWER ──┘
 */
export class UfwByRoot implements Enforcer {
  readonly name = "ufw";
  readonly level = "packet";
  readonly schedule = null;
  readonly #options: UfwByRootOptions;
  readonly #answers: string;
  readonly #request: string;
  /** Null before the first answer and after a failure, when nothing is known. */
  #left: Left | null = null;
  #enforced = NOTHING_ENFORCED;

  constructor(options: UfwByRootOptions) {
    this.#options = options;
    this.#answers = options.answers ?? UFW_ANSWERS;
    this.#request = join(options.requests, REQUEST);
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#ask({ action: "probe" }, signal);
  }

  async blocked(signal: AbortSignal): Promise<ReadonlySet<Target>> {
    const { blocked } = await this.#ask({ action: "blocked" }, signal);
    return new Set(blocked.map(parseTarget).filter((target) => target !== null));
  }

  async reconcile(want: readonly Block[], verify: boolean, signal: AbortSignal): Promise<Enforced> {
    const left = this.#left;
    const wanted = endsOf(want);
    // Root's half has to look at all each time, so it is not asked in vain.
    if (!verify && left !== null && areSame(left.want, wanted)) {
      this.#enforced = { ...this.#enforced, drift: 0 };
      return this.#enforced;
    }
    this.#left = null;
    const { found, held, unenforced } = await this.#ask({ action: "reconcile", want }, signal);
    const not = new Set(unenforced);
    const targets = [...wanted.keys()];
    this.#left = { want: wanted, held };
    this.#enforced = {
      ...NOTHING_ENFORCED,
      inForce: new Set(targets.filter((target) => !not.has(target))),
      unenforced: targets.filter((target) => not.has(target)),
      drift: left === null ? 0 : this.#drift(left, found),
    };
    return this.#enforced;
  }

  async apply(): Promise<Enforced> {
    return this.#enforced;
  }

  /** In how many targets the world differs from how root's half left it. What ended meanwhile is no difference. */
  #drift({ want, held }: Left, found: readonly string[]): number {
    const over = this.#options.clock.now() + NEAR_MS;
    const changed = new Set(held).symmetricDifference(new Set(found));
    const targets = new Set([...changed].map((holding) => holding.split(" ", 1)[0] as Target));
    return [...targets].filter((target) => (want.get(target) ?? Infinity) > over).length;
  }

  async #ask(
    what:
      | { readonly action: "probe" | "blocked" }
      | { readonly action: "reconcile"; readonly want: readonly Block[] },
    signal: AbortSignal,
  ): Promise<UfwAnswer> {
    const id = randomBytes(12).toString("hex");
    const fresh = join(this.#options.requests, `.${id}`);
    try {
      await writeFile(fresh, requestText({ id, ...what }), { mode: 0o600, flag: "wx" });
      // Not renamed, which would undo the request of another, as of `sekisho check`.
      await this.#until(() => isLinked(fresh, this.#request), "an earlier request is not taken", signal);
      const answer = () => textOf(join(this.#answers, id));
      return readAnswer(await this.#until(answer, "nobody answers", signal));
    } catch (error) {
      if (await isSameFile(fresh, this.#request)) await rm(this.#request, { force: true });
      signal.throwIfAborted();
      throw error instanceof SekishoError || systemCode(error) === null ? error : unwritable(error);
    } finally {
      await rm(fresh, { force: true }).catch(() => {});
    }
  }

  /** Looks until there is something. Throws when root's half gives no sign meanwhile. */
  async #until<Found>(
    look: () => Promise<Found | null>,
    complaint: string,
    signal: AbortSignal,
  ): Promise<Found> {
    const { patienceMs = 10_000 } = this.#options;
    let sign: string | null = null;
    for (let heard = performance.now(); ; ) {
      const found = await look();
      if (found !== null) return found;
      const now = await textOf(join(this.#answers, SIGN));
      if (now !== sign) heard = performance.now();
      else if (performance.now() - heard > patienceMs) throw await this.#noAnswer(complaint);
      sign = now;
      await sleep(LOOK_MS, undefined, { signal });
    }
  }

  async #noAnswer(complaint: string): Promise<SekishoError> {
    const isTaken = (await stat(this.#request).catch(() => null)) === null;
    return new SekishoError(
      "UFW_NO_ANSWER",
      isTaken
        ? "sekisho-ufw.service took a request and does not answer"
        : `${complaint}: ${this.#request} stays`,
      isTaken
        ? "journalctl -u sekisho-ufw may say why; it is tried again by itself"
        : "systemctl enable --now sekisho-ufw.path, which `sekisho install` sets up; it is tried again by itself",
    );
  }
}

const unwritable = (error: unknown): SekishoError =>
  new SekishoError(
    "UFW_NO_ANSWER",
    `no request can be left for root's half of ufw: ${messageOf(error)}`,
    "run it as root or as the user sekisho; systemd-tmpfiles --create /etc/tmpfiles.d/sekisho.conf makes the folders",
    { cause: error },
  );

/** Null when the name is taken. */
async function isLinked(file: string, name: string): Promise<true | null> {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return null;
    throw error;
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all(
    [one, other].map((file) => stat(file, { bigint: true }).catch(() => null)),
  );
  return a != null && b != null && a.ino === b.ino && a.dev === b.dev;
}
