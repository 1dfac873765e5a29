import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, SekishoError, systemCode } from "../../model/errors.ts";
import { prefixOf, type Target } from "../../model/ip.ts";
import type { Clock } from "../../model/time.ts";
import {
  errorText,
  MAX_REQUEST_BYTES,
  REQUEST,
  readRequest,
  SIGN,
  UFW_ANSWERS,
  UFW_REQUESTS,
  type UfwAnswer,
  type UfwRequest,
} from "./request.ts";
import type { Ufw } from "./ufw.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;
const SIGN_MS = 1_000;
/** Whoever asked looks fifty times a second. */
const OLD_MS = 60_000;

/** What root's own configuration says. */
export interface UfwOrders {
  readonly ufw: Ufw;
  /** False: nobody may be blocked through requests, only let in. */
  readonly mayBlock: boolean;
  readonly isProtected: (target: Target) => boolean;
}

export interface UfwAsRootOptions {
  readonly requests?: string;
  readonly answers?: string;
  /** The numbers of the users whose requests are taken. */
  readonly users: readonly number[];
  /** Asked for each request; what it throws is the answer. */
  readonly orders: () => Promise<UfwOrders>;
  readonly clock: Clock;
}

/**
 * Root's half of ufw for a Sekisho without root. It takes one file after the other from a folder that the user sekisho writes,
 * believes nothing in it, has ufw do what root's configuration allows of it, and leaves an answer where only root writes.
 */
export class UfwAsRoot {
  readonly #options: UfwAsRootOptions;
  readonly #answers: string;

  constructor(options: UfwAsRootOptions) {
    this.#options = options;
    this.#answers = options.answers ?? UFW_ANSWERS;
  }

  /** Does what is asked until nobody asks any more. Returns how many requests it answered, and what was none. */
  async run(signal: AbortSignal): Promise<{ readonly answered: number; readonly passedOver: number }> {
    using _signs = await this.#signs();
    await this.#deleteOld();
    // Through the open folder, since who writes in it may put another, or a link, in its place at any moment.
    await using folder = await open(
      this.#options.requests ?? UFW_REQUESTS,
      O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
    );
    if (!this.#options.users.includes((await folder.stat()).uid))
      throw refused("the folder of requests belongs to somebody else");
    let answered = 0;
    for (let passedOver = 0; ; ) {
      const text = signal.aborted ? null : await this.#take(`/proc/self/fd/${folder.fd}`);
      if (text === null) return { answered, passedOver };
      const request = text === "" ? null : readRequest(text);
      if (request === null) passedOver++;
      else {
        await this.#leave(request.id, await this.#answer(request, signal));
        answered++;
      }
    }
  }

  async #answer(request: UfwRequest, signal: AbortSignal): Promise<string> {
    try {
      return JSON.stringify(await this.#carryOut(request, signal));
    } catch (error) {
      const why = signal.aborted ? refused("root's half of ufw was stopped at work") : error;
      return errorText(why);
    }
  }

  async #carryOut(request: UfwRequest, signal: AbortSignal): Promise<Partial<UfwAnswer>> {
    const { ufw, mayBlock, isProtected } = await this.#options.orders();
    if (request.action !== "reconcile") {
      if (request.action === "blocked") return { blocked: [...(await ufw.blocked(signal))] };
      await ufw.probe();
      return {};
    }
    const { want } = request;
    if (!mayBlock && want.length > 0)
      throw refused(
        "root's configuration has no `requests` in enforcers.ufw, so nobody is blocked for others",
      );
    const now = this.#options.clock.now();
    const isSpared = (target: Target) => prefixOf(target).bits === 0 || isProtected(target);
    const spared = want.filter(({ target }) => isSpared(target)).map(({ target }) => target);
    const not = new Set(spared);
    const allowed = want.filter(({ target, until }) => until > now && !not.has(target));
    const found = await ufw.held(signal);
    const { unenforced } = await ufw.reconcile(allowed, true, signal);
    return { found, held: await ufw.held(signal), unenforced: [...spared, ...unenforced] };
  }

  /** The text of the request that waits, which is then gone; empty where it is none to be read. Null when none waits. */
  async #take(folder: string): Promise<string | null> {
    const taken = join(folder, `.taken-${randomBytes(6).toString("hex")}`);
    try {
      // By another name first: the next one may stand in its place before this one is read, or where none was found.
      await rename(join(folder, REQUEST), taken);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return null;
      throw refused(`a request cannot be taken away: ${messageOf(error)}`);
    }
    let file: FileHandle | null = null;
    try {
      // Neither a link, nor a pipe that would be waited for.
      file = await open(taken, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      return await this.#text(file);
    } catch {
      return "";
    } finally {
      await file?.close();
      // A folder stays, under the name that systemd does not look for.
      await unlink(taken).catch(() => {});
    }
  }

  async #text(file: FileHandle): Promise<string> {
    const stats = await file.stat();
    const { size } = stats;
    if (!stats.isFile() || !this.#options.users.includes(stats.uid) || size > MAX_REQUEST_BYTES) return "";
    // No more than that, as it may grow meanwhile.
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    return bytesRead === size ? bytes.toString("utf8") : "";
  }

  /** At once: who waits finds all of it. */
  async #leave(id: string, text: string): Promise<void> {
    const fresh = join(this.#answers, `.${id}`);
    await writeFile(fresh, text, { mode: 0o644 });
    await rename(fresh, join(this.#answers, id));
  }

  /** Tells who waits that somebody works, however long ufw takes. */
  async #signs(): Promise<Disposable> {
    const sign = () => writeFile(join(this.#answers, SIGN), randomBytes(8).toString("hex")).catch(() => {});
    await sign();
    const timer = setInterval(sign, SIGN_MS);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  async #deleteOld(): Promise<void> {
    for (const name of await readdir(this.#answers)) {
      const path = join(this.#answers, name);
      const { mtimeMs } = await stat(path);
      if (name !== SIGN && Date.now() - mtimeMs > OLD_MS) await rm(path, { force: true });
    }
  }
}

const refused = (message: string): SekishoError =>
  new SekishoError(
    "UFW_REFUSED",
    message,
    "docs/service.md says what root's half of ufw takes; root's configuration is /etc/sekisho/sekisho.yaml",
  );
