import { type ChildProcess, spawnSync } from "node:child_process";
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Apache } from "./apache.ts";

/** nft in the namespace of a test's Apache, to look at from outside and to tamper with. */
export function nftIn(apache: Apache) {
  const enter = `--net=/run/netns/${apache.namespace}`;
  // For an enforcer in the test's own process, which is in another namespace.
  const program = join(apache.root, "nft");
  writeFileSync(program, `#!/bin/sh\nexec nsenter ${enter} nft "$@"\n`);
  chmodSync(program, 0o755);
  const inside = (command: string, ...args: string[]) =>
    spawnSync("nsenter", [enter, command, ...args], { encoding: "utf8" });
  const run = (...args: string[]): string => {
    const { status, stdout, stderr } = inside("nft", ...args);
    if (status !== 0) throw new Error(`nft ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  const listed = (kind: string) =>
    (JSON.parse(run("--json", "list", "ruleset")).nftables as Record<string, never>[]).flatMap(
      (item) => item[kind] ?? [],
    );
  return {
    program,
    inside,
    run,
    tables: (): string[] =>
      listed("table").map(({ family, name }: { family: string; name: string }) => `${family} ${name}`),
    /** Addresses in sets of all tables, each with its time-out in seconds. */
    elements(): Map<string, number | null> {
      type Element = string | { readonly elem: { readonly val: string; readonly timeout: number } };
      const all = listed("set").flatMap(({ elem = [] }: { readonly elem?: readonly Element[] }) => elem);
      return new Map(
        all.map((each) => (typeof each === "string" ? [each, null] : [each.elem.val, each.elem.timeout])),
      );
    },
    monitor: () => new Monitor(apache, run),
  };
}

/** Hears of every change that anybody makes to any table. */
export class Monitor {
  readonly #process: ChildProcess;
  readonly #file: string;
  readonly #run: (...args: string[]) => string;
  #lastMark = 0;

  constructor(apache: Apache, run: (...args: string[]) => string) {
    this.#run = run;
    this.#file = join(apache.root, "nft-monitor");
    const output = openSync(this.#file, "w");
    this.#process = apache.inNamespace("stdbuf", ["-oL", "nft", "monitor"], {
      stdio: ["ignore", output, "ignore"],
    });
    closeSync(output);
  }

  /** Resolves when what happens from now on is heard. */
  async listens(): Promise<void> {
    while (!(await this.#hears())) await sleep(5);
  }

  /** How many changes so far name this. */
  async count(text: string): Promise<number> {
    await this.listens();
    return readFileSync(this.#file, "utf8").split(text).length - 1;
  }

  /** Makes a change of its own, which comes after all that there were; false when it is not heard soon. */
  async #hears(): Promise<boolean> {
    const mark = `mark${++this.#lastMark}`;
    this.#run("add", "table", "netdev", mark);
    this.#run("delete", "table", "netdev", mark);
    for (let waited = 0; waited < 500; waited += 5) {
      if (readFileSync(this.#file, "utf8").includes(`delete table netdev ${mark}\n`)) return true;
      await sleep(5);
    }
    return false;
  }

  stop(): void {
    this.#process.kill();
  }
}
