import type { Status } from "../../src/model/api.ts";
import { asApiError } from "../api.ts";
import { effectOf, MODE_SENTENCES } from "../effect.ts";
import { signOut } from "../session.ts";
import { connection, outcome, seekingComplaint, status, troubles } from "../state.ts";
import { theme, toggleTheme } from "../theme.ts";
import { Mark, type Tone } from "./mark.tsx";
import { Navigation } from "./navigation.tsx";
import { Seal } from "./seal.tsx";

export function Header() {
  return (
    <header class="masthead">
      <button type="button" class="skip" onClick={skipToMain}>
        Skip to the content
      </button>
      <a class="name" href="#overview">
        <Seal />
        <span>Sekisho</span>
      </a>
      <Navigation />
      {status.value !== null && <ModeBadge status={status.value} />}
      <div class="states">
        <Health />
        <Connection />
      </div>
      <div class="session">
        <button type="button" class="quiet" onClick={toggleTheme}>
          {theme.value === "dark" ? "Light theme" : "Dark theme"}
        </button>
        <button type="button" class="quiet" onClick={leave}>
          Sign out
        </button>
      </div>
    </header>
  );
}

function ModeBadge({ status: shown }: { readonly status: Status }) {
  const { mode, demo } = shown;
  return (
    <p class="modes">
      <span>
        <strong class={`badge ${mode}`}>{mode}</strong> {MODE_SENTENCES[effectOf(shown)]}
      </span>
      {demo && (
        <span>
          <strong class="badge demo">demo</strong> The bundled sample attack is playing.
        </span>
      )}
    </p>
  );
}

function Health() {
  const complaints = status.value === null ? 0 : countComplaints(status.value);
  if (status.value === null || connection.value === "lost") return <Mark tone="off">Health unknown</Mark>;
  if (complaints === 0) return <Mark tone="good">All in order</Mark>;
  return (
    <button type="button" class="leading" onClick={toComplaint}>
      <Mark tone="bad">
        {complaints === 1 ? "1 thing needs attention" : `${complaints} things need attention`}
      </Mark>
    </button>
  );
}

/** Most stand on the overview only, which looks for them when it is there. */
function toComplaint(): void {
  seekingComplaint.value = true;
  location.hash = "#overview";
}

function countComplaints({ problems, sources, enforcers, jobs }: Status): number {
  const failing = enforcers.filter(
    ({ state, error }) => state === "failed" || state === "drifted" || error !== null,
  );
  return (
    problems.length +
    Object.keys(troubles.value).length +
    sources.filter(({ error }) => error !== null).length +
    jobs.filter(({ error }) => error !== null).length +
    failing.length
  );
}

const CONNECTIONS: Readonly<Record<typeof connection.value, readonly [Tone, string]>> = {
  connecting: ["off", "Connecting"],
  live: ["good", "Live"],
  polling: ["waiting", "Asking every 5 s"],
  lost: ["bad", "Connection lost, retrying"],
};

function Connection() {
  const [tone, text] = CONNECTIONS[connection.value];
  return (
    <span role="status">
      <Mark tone={tone}>{text}</Mark>
    </span>
  );
}

/** A button, since the fragment is the route: a link to `#main` would leave an incident. */
function skipToMain(): void {
  const target = document.querySelector<HTMLElement>("main h1, main h2");
  target?.setAttribute("tabindex", "-1");
  target?.focus();
  target?.scrollIntoView();
}

async function leave(): Promise<void> {
  await signOut().catch((error: unknown) => {
    outcome.value = `Still signed in: ${asApiError(error).message}`;
  });
}
