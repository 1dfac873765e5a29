import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "../../model/errors.ts";
import { parseTarget, type Target } from "../../model/ip.ts";
import { NEVER, type UnixMs, unixMs } from "../../model/time.ts";

/** Targets, and when each ends. */
export type Handed = ReadonlyMap<Target, UnixMs>;

/** What the exec enforcer's program accepted last: a line for each target, `192.0.2.7/32 1795273200000` or `… permanent`. */
export class HandedFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Empty when there is no such file. A line that cannot be read is passed over. */
  async read(): Promise<Handed> {
    const handed = new Map<Target, UnixMs>();
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if (systemCode(error) === "ENOENT") return handed;
      throw error;
    }
    for (const line of text.split("\n")) {
      const [cidr, until] = line.split(" ") as [string, string?];
      const target = parseTarget(cidr);
      if (target === null || until === undefined) continue;
      handed.set(target, until === "permanent" ? NEVER : unixMs(Number(until)));
    }
    return handed;
  }

  /** Nothing handed is no file, so that an enforcer that was taken out of the configuration leaves nothing. */
  async write(handed: Handed): Promise<void> {
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
