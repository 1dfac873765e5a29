import type { EnforcerStatus } from "../model/api.ts";
import { SekishoError } from "../model/errors.ts";
import { toIso } from "../model/time.ts";
import type { Enforcer } from "./enforcer.ts";
import type { Ineffective } from "./ineffective-bans.ts";

/** What the likely cause depends on. */
export interface Surroundings {
  readonly enforcers: readonly EnforcerStatus[];
  readonly levelOf: (enforcer: string) => Enforcer["level"] | null;
  readonly hasProxies: boolean;
}

/** The ban that lets most through, and why it probably does; null when all keep their clients out. */
export function ineffectiveProblem(bans: readonly Ineffective[], around: Surroundings): SekishoError | null {
  const [worst, ...others] = bans;
  if (worst === undefined) return null;
  const { target, requests, latest, vhost, path } = worst;
  const more =
    others.length === 0 ? "" : ` (and of ${others.length} other ban${others.length === 1 ? "" : "s"})`;
  const where = `${vhost ?? ""}${path}`;
  const { why, todo } = likelyCause(worst, around);
  return new SekishoError(
    "BAN_INEFFECTIVE",
    `${requests} requests of ${target}${more} came through though it is banned, the last for ${where} at ${toIso(latest)}: ${why}`,
    todo,
  );
}

function likelyCause(
  { enforcedBy, vhost, path }: Ineffective,
  { enforcers, levelOf, hasProxies }: Surroundings,
): { readonly why: string; readonly todo: string } {
  if (enforcedBy.length === 0) {
    const failed = enforcers.find(({ state }) => state === "failed");
    if (failed !== undefined)
      return {
        why: `no enforcer has it; ${failed.name} failed: ${failed.error}`,
        todo: failed.hint ?? "see above",
      };
    return enforcers.length === 0
      ? {
          why: "no enforcer is configured",
          todo: "name one under enforcers, for example apache-directory: {}",
        }
      : {
          why: `${enforcers.map(({ name }) => name).join(", ")} cannot carry it, or have no room for it`,
          todo: "see unenforced in sekisho status; apache-directory has room for every address",
        };
  }
  const names = enforcedBy.join(", ");
  if (enforcedBy.every((name) => levelOf(name) === "packet")) {
    return {
      why: `${names} did not see their packets: a proxy is in front, or they use another port`,
      todo: "if there is a proxy or CDN, name it in trustedProxies and use apache-directory; else check the enforcer's ports",
    };
  }
  if (hasProxies) {
    return {
      why: "Apache probably sees the address of the proxy where the log shows the client's",
      todo: "set up mod_remoteip in Apache (RemoteIPHeader, RemoteIPTrustedProxy), so that it refuses the client that it logs",
    };
  }
  return {
    why: `Apache lets them in there: a section of ${vhost ?? "the site"} that covers ${path} has a Require or <If> of its own, or Apache runs without Sekisho's lines`,
    todo: "sekisho check looks for such sections; the lines that Apache needs: sekisho apache snippet",
  };
}
