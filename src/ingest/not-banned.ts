import { SekishoError } from "../model/errors.ts";
import type { Target } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";
import type { Ingestion } from "./ingestion.ts";

/** Why there is no ban of exactly this target to lift, and what to do about it. */
export function notBanned({ ledger, storeProblem }: Ingestion, target: Target, now: UnixMs): SekishoError {
  if (storeProblem !== null && ledger.runsUntil(target, now) !== null) return storeProblem;
  const refusal = (why: string, hint: string): SekishoError =>
    new SekishoError("TARGET_NOT_BANNED", `${target} is not banned${why}`, hint);
  const wider = ledger.bannedBy(target, now);
  if (wider !== null) {
    return refusal(` by itself; the ban of ${wider} covers it`, `lift that one: sekisho unban ${wider}`);
  }
  if (ledger.isListed(target)) {
    const hint = `sekisho allow ${target} spares it, and sekisho explain ${target} names the list`;
    return refusal("; an imported list blocks it", hint);
  }
  return refusal(
    "",
    `sekisho bans and the dashboard list the active bans; sekisho explain ${target} tells what else blocks it`,
  );
}
