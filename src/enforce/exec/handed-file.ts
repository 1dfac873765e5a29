import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseTarget, type Target } from "../../model/ip.ts";
import { NEVER, type UnixMs, unixMs } from "../../model/time.ts";
import type { Ends } from "../ends.ts";
import { textOf } from "../text-of.ts";

/** What the exec enforcer's program accepted last: a line for each target, `192.0.2.7/32 1795273200000` or `… permanent`. */
export class HandedFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Empty when there is no such file. A line that cannot be read is passed over. */
  async read(): Promise<Ends> {
    const handed = new Map<Target, UnixMs>();
    const text = (await textOf(this.#path)) ?? "";
    for (const line of text.split("\n")) {
      const [cidr, until] = line.split(" ") as [string, string?];
      const target = parseTarget(cidr);
      if (target === null || until === undefined) continue;
      handed.set(target, until === "permanent" ? NEVER : unixMs(Number(until)));
    }
    return handed;
  }

  /** Nothing handed is no file, so that an enforcer that was taken out of the configuration leaves nothing. */
  async write(handed: Ends): Promise<void> {
    if (handed.size === 0) return rm(this.#path, { force: true });
    const lines = [...handed].map(
      ([target, until]) => `${target} ${until === NEVER ? "permanent" : until}\n`,
    );
    const fresh = `${this.#path}.new`;
    await mkdir(dirname(this.#path), { recursive: true });
    await writeFile(fresh, lines.join(""), { mode: 0o600 });
    await rename(fresh, this.#path);
  }
}
