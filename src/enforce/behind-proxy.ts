import { SekishoError } from "../model/errors.ts";
import type { Target } from "../model/ip.ts";
import type { Enforcer } from "./enforcer.ts";

/**
 * Why an enforcer cannot block here, or null: at the packet level the client behind a proxy is never seen. A block of it
 * would turn nobody away, and one of the peer would turn away everybody.
 */
export const behindProxy = (
  { name, level }: Pick<Enforcer, "name" | "level">,
  trustedProxies: readonly Target[],
): SekishoError | null =>
  level === "request" || trustedProxies.length === 0
    ? null
    : new SekishoError(
        "ENFORCER_BEHIND_PROXY",
        `${name} blocks nobody: clients come through ${trustedProxies.slice(0, 3).join(", ")}, so it would see that proxy's address and never theirs`,
        `take enforcers.${name} away and use apache-directory, apache-include or guard, which see the client; or empty trustedProxies if no proxy is in front any more`,
      );
