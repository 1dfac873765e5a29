import type { BanAnswer, Status } from "../src/model/api.ts";
import { formatAhead } from "./format.ts";

/** The enforcer that only shows what would be blocked. */
export const DRY_RUN = "dry-run";

/** What comes of a ban; only `blocks` turns anybody away. */
export type Effect = "observe" | "demo" | "dry-run" | "nothing" | "blocks";

export function effectOf({ mode, demo, enforcers }: Pick<Status, "mode" | "demo" | "enforcers">): Effect {
  if (mode === "observe") return "observe";
  if (demo) return "demo";
  if (enforcers.length === 0) return "nothing";
  return enforcers.every(({ name }) => name === DRY_RUN) ? "dry-run" : "blocks";
}

/** Beside the number of bans. */
export const BANS_NOTES: Readonly<Record<Effect, string>> = {
  observe: "recorded, not enforced",
  demo: "decided, not blocked (demo)",
  "dry-run": "decided, not blocked (dry-run)",
  nothing: "decided, not blocked (no enforcer)",
  blocks: "turned away now",
};

/** Beside the mode's name. */
export const MODE_SENTENCES: Readonly<Record<Effect, string>> = {
  observe: "Decides and records, blocks nothing.",
  demo: "Decides and records; in the demo nobody is blocked.",
  "dry-run": "Decides and records; its only enforcer is dry-run, which blocks nobody.",
  nothing: "Decides and records; no enforcer is there to block.",
  blocks: "Decides, records and blocks.",
};

/** After what was done; empty where the ban blocks. */
const BANNED_NOTES: Readonly<Record<Effect, string>> = {
  observe: " (observe: recorded, not enforced)",
  demo: " (demo: decided, not blocked)",
  "dry-run": " (dry-run: decided, not blocked)",
  nothing: " (no enforcer: decided, not blocked)",
  blocks: "",
};

/** What came of a person's ban: when it begins to turn anybody away, and what it took the place of. */
export function banOutcome(ban: BanAnswer, status: Status | null, now: number): string {
  const effect = status === null ? "blocks" : effectOf(status);
  const isWaiting = effect === "blocks" && ban.enforcedBy.length === 0 && ban.waiting.length > 0;
  const takers = ban.waiting.map(
    ({ enforcer, at }) =>
      `${enforcer} takes it with its reload${at === null ? "" : ` ${formatAhead(Date.parse(at), now)}`}`,
  );
  const { replaced } = ban;
  const isShorter = replaced !== null && endOf(replaced) > endOf(ban);
  return [
    `Banned ${ban.target}${BANNED_NOTES[effect]}`,
    ...(isWaiting ? [`Not in force yet: ${takers.join(", ")}`] : []),
    ...(isShorter ? ["It took the place of a longer ban"] : []),
  ].join(". ");
}

const endOf = ({ until }: { readonly until: string | null }): number =>
  until === null ? Infinity : Date.parse(until);
