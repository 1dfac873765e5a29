import { SekishoError } from "../model/errors.ts";
import type { Halt } from "../model/halt.ts";
import { toIso, type UnixMs } from "../model/time.ts";

/** What keeps rules from banning, as a problem that status, dashboard and log show until a person ends it. */
export const haltProblem = ({ name, since, reason }: Halt): SekishoError =>
  name === "panic"
    ? new SekishoError(
        "PANIC",
        `since ${toMinute(since)} nothing is banned or enforced: ${reason}`,
        "when the cause is found: sekisho panic --end",
      )
    : new SekishoError(
        "BREAKER_OPEN",
        `since ${toMinute(since)} rules ban nobody: ${reason}`,
        "look at sekisho bans and at the incidents; then sekisho breaker reset, or reset --lift where these bans were wrong",
      );

/** For people, who read it in a sentence. */
const toMinute = (time: UnixMs): string => `${toIso(time).slice(0, 16).replace("T", " ")} UTC`;
