import { api, asApiError } from "./api.ts";
import { sentence } from "./format.ts";
import { refreshAll } from "./refresh.ts";
import {
  allowlist,
  bans,
  incident,
  incidents,
  outcome,
  ruleFindings,
  rules,
  session,
  sockets,
  status,
  traffic,
  unparsed,
} from "./state.ts";

/**
 * Takes the one-time code out of the address bar before anything else happens, so that it stays neither in
 * the history nor in a copied link, then finds out whether the browser is let in.
 */
export async function start(): Promise<void> {
  const code = codeInAddress();
  if (code !== null) {
    history.replaceState(null, "", location.pathname + location.search);
    await api.signIn({ code }).catch((error: unknown) => {
      const { message, hint } = asApiError(error);
      outcome.value = `The link did not sign you in: ${message}. ${sentence(hint)}`;
    });
  }
  // A code that was used before does no harm where the browser has a session already.
  session.value = "checking";
  await enter();
}

/** The code of a link that was opened, also of one pasted where the page is open already. */
export const codeInAddress = (): string | null => new URLSearchParams(location.hash.slice(1)).get("code");

export async function signIn(token: string): Promise<void> {
  await api.signIn({ token });
  outcome.value = null;
  await enter();
}

export async function signOut(): Promise<void> {
  await api.signOut();
  session.value = "out";
  for (const shown of [
    status,
    traffic,
    unparsed,
    incident,
    bans.items,
    incidents.items,
    allowlist.items,
    rules,
    ruleFindings,
    sockets,
  ])
    shown.value = null;
}

async function enter(): Promise<void> {
  try {
    status.value = await api.status();
    session.value = "in";
  } catch (error) {
    // A server that is away is no reason to ask for the token; the poll goes on asking.
    session.value = asApiError(error).status === 401 ? "out" : "in";
  }
  if (session.value === "in") refreshAll();
}
