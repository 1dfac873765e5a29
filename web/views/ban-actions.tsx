import { api } from "../api.ts";
import { banOutcome } from "../effect.ts";
import { formatCount } from "../format.ts";
import { refresh } from "../refresh.ts";
import { now, status } from "../state.ts";
import { type RowAction, RowActions } from "./row-actions.tsx";

const ACTIONS: readonly RowAction[] = [
  {
    button: "Unban",
    question: "Lift the ban on",
    asksReason: false,
    async act(target) {
      await api.unban(target);
      readAgain();
      return `Unbanned ${target}`;
    },
  },
  {
    button: "Allow",
    question: "Lift it and never again ban",
    asksReason: true,
    async act(target, reason) {
      const allowed = await api.allow(target, reason);
      readAgain();
      return `Put on the allowlist: ${allowed.target}; ${liftedNote(allowed.lifted)}`;
    },
  },
];

/** For whom the page shows for another reason. `reads`: what is shown of them there. */
export const banAction = (...reads: readonly ((hurry: boolean) => void)[]): RowAction => ({
  button: "Ban",
  question: "Ban, as long as policy says,",
  asksReason: true,
  async act(target, reason) {
    const banned = await api.ban(target, "", reason);
    for (const read of [refresh.bans, refresh.incidents, refresh.status, ...reads]) read(true);
    return banOutcome(banned, status.value, now.value);
  },
});

/** Unban and Allow. */
export function BanActions({ target }: { readonly target: string }) {
  return <RowActions target={target} actions={ACTIONS} keep="Keep the ban" heading="#bans-heading" />;
}

/** So many are named; a range may lift thousands. */
const NAMED = 5;

function liftedNote(lifted: readonly string[]): string {
  if (lifted.length === 0) return "no ban was in force";
  const more = lifted.length - NAMED;
  return `lifted the ban on ${lifted.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${formatCount(more)} more` : ""}`;
}

function readAgain(): void {
  const { bans, allowlist, incidents, incident, sockets, status } = refresh;
  for (const read of [bans, allowlist, incidents, incident, sockets, status]) read(true);
}
