import type { EnforcerName } from "../../src/enforce/enforcer.ts";
import type { Need } from "../requirements.ts";
import { directoryWorld } from "./apache-directory-world.ts";
import { includeWorld } from "./apache-include-world.ts";
import { dryRunWorld } from "./dry-run-world.ts";
import { execWorld } from "./exec-world.ts";
import { guardWorld } from "./guard-world.ts";
import { nftablesWorld } from "./nftables-world.ts";
import { ufwByRootWorld, ufwWorld } from "./ufw-world.ts";
import type { World } from "./world.ts";

/** Every enforcer, and every way to its program. */
export type WorldName = EnforcerName | "ufw-by-root";

interface Tried {
  readonly make: () => Promise<World>;
  readonly needs: readonly Need[];
  /** Of the ranges each so manyth is tried: fewer where a ban takes a slow program, and addresses are no texts. */
  readonly ranges: number;
  /** So often others come and go beside a block that stays; default: 8. */
  readonly rounds?: number;
}

const APACHE = ["root", "apache2", "netns"] as const;

export const WORLDS: Readonly<Record<WorldName, Tried>> = {
  "apache-directory": { make: directoryWorld, needs: APACHE, ranges: 1 },
  "apache-include": { make: includeWorld, needs: APACHE, ranges: 1 },
  nftables: { make: nftablesWorld, needs: [...APACHE, "nft"], ranges: 1 },
  ufw: { make: ufwWorld, needs: [...APACHE, "ufw", "nft"], ranges: 3 },
  "ufw-by-root": { make: ufwByRootWorld, needs: [...APACHE, "ufw", "nft"], ranges: 13, rounds: 3 },
  exec: { make: execWorld, needs: [...APACHE, "python3"], ranges: 3 },
  guard: { make: guardWorld, needs: [], ranges: 1 },
  "dry-run": { make: dryRunWorld, needs: [], ranges: 1 },
};

/** Their program is slow: each has a test file of its own, and those run side by side. */
export const SLOW: readonly WorldName[] = ["ufw", "ufw-by-root"];
