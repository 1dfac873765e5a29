import { SekishoError } from "../model/errors.ts";
import type { Halt } from "../model/halt.ts";
import { toIso } from "../model/time.ts";

/** What keeps rules from banning, as a problem that status, dashboard and log show until a person ends it. */
export const haltProblem = ({ name, since, reason }: Halt): SekishoError =>
  name === "panic"
    ? new SekishoError(
        "PANIC",
        `since ${toIso(since)} nothing is banned or enforced: ${reason}`,
        "when the cause is found: sekisho panic --end",
      )
    : new SekishoError(
        "BREAKER_OPEN",
        `since ${toIso(since)} rules ban nobody: ${reason}`,
        "look at sekisho bans and at the incidents; then sekisho breaker reset, or reset --lift where these bans were wrong",
      );
