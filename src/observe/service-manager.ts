import { spawn } from "node:child_process";

/** A part of the time after which systemd takes a silent service for dead. */
const PINGS_PER_TIMEOUT = 3;

/**
 * Tells systemd how it goes, where systemd started us: that all is up, that it lives, that it stops. By `systemd-notify`, since
 * Node cannot write to the socket itself.
 */
export class ServiceManager implements Disposable {
  readonly #isThere: boolean;
  readonly #status: () => string;
  readonly #timer: NodeJS.Timeout | null;

  /**
   * `isAlive` is asked before each sign of life: whoever is silent for too long is started anew. `status`: what `systemctl status` shows,
   * which a person or a reload may change.
   */
  constructor(
    env: Readonly<Record<string, string | undefined>>,
    isAlive: () => boolean,
    status: () => string,
  ) {
    this.#status = status;
    this.#isThere = env.NOTIFY_SOCKET !== undefined;
    const timeoutMs = Number(env.WATCHDOG_USEC) / 1_000;
    this.#timer =
      this.#isThere && timeoutMs > 0
        ? setInterval(() => {
            if (isAlive()) this.#tell("WATCHDOG=1", `--status=${this.#status()}`);
          }, timeoutMs / PINGS_PER_TIMEOUT)
        : null;
  }

  /** All is up, or what was reloaded is. */
  ready(): void {
    this.#tell("--ready", `--status=${this.#status()}`);
  }

  stopping(): void {
    this.#tell("--stopping");
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** What goes wrong here systemd notices by itself. */
  #tell(...said: string[]): void {
    if (this.#isThere) spawn("systemd-notify", said, { stdio: "ignore" }).on("error", () => {});
  }
}
