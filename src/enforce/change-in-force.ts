import type { Mode } from "../model/api.ts";

export interface InForce {
  readonly mode: Mode;
  readonly enforcers: string;
  /** How many bans block: none in observe mode or without an enforcer. */
  readonly bans: number;
}

/** What a reload changed for those who are banned; null when nothing. */
export function changeInForce(before: InForce, after: InForce): string | null {
  const changes = [
    ...(before.mode === after.mode ? [] : [`mode ${before.mode} → ${after.mode}`]),
    ...(before.enforcers === after.enforcers ? [] : [`enforcers ${before.enforcers} → ${after.enforcers}`]),
  ];
  if (changes.length === 0 && before.bans === after.bans) return null;
  const what = changes.length === 0 ? "who is spared changed" : changes.join(", ");
  if (before.bans === after.bans) return `${what}: bans in force: ${after.bans}, as before`;
  const change = Math.abs(after.bans - before.bans);
  const bans = `${change} ban${change === 1 ? "" : "s"}`;
  const takes = change === 1 ? "takes" : "take";
  return `${what}: ${bans} ${after.bans > before.bans ? "" : "no longer "}${takes} effect`;
}
