import { BANS_NOTES, effectOf } from "../effect.ts";
import { formatCount, formatShare } from "../format.ts";
import { status } from "../state.ts";

export function KeyFigures() {
  const shown = status.value;
  if (shown === null) return <p class="empty">Waiting for the first answer of Sekisho.</p>;
  const { access, audit, unparsed } = shown.events;
  // Openings of WebSockets are lines of error logs.
  const error = shown.events.error + shown.events.opening;
  const lines = access + error + audit + unparsed;
  const bans = shown.bans.active;
  return (
    <dl class="figures" aria-label="Key figures">
      <Figure
        name="Active bans"
        value={bans}
        note={bans === 0 ? "nobody is turned away" : BANS_NOTES[effectOf(shown)]}
        strong={bans > 0}
      />
      <Figure
        name="Open incidents"
        value={shown.incidents.open}
        note={shown.incidents.open === 0 ? `${shown.rules} rules watch` : "review them"}
        leadsTo={shown.incidents.open === 0 ? undefined : "incidents-heading"}
      />
      <Figure
        name="Open WebSockets"
        value={shown.sockets.open}
        note={shown.events.opening === 0 ? "Apache tells of none" : "who holds them"}
        leadsTo="sockets-heading"
      />
      <Figure
        name="Lines read"
        value={lines}
        note={`${formatCount(access)} access, ${formatCount(error)} error, ${formatCount(audit)} audit`}
      />
      <Figure name="Unparsed" value={unparsed} note={unparsedNote(unparsed, lines)} />
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: number;
  readonly note: string;
  readonly strong?: boolean;
  /** The id of the heading where there is more of it. */
  readonly leadsTo?: string | undefined;
}

export function Figure({ name, value, note, strong = false, leadsTo }: FigureProps) {
  return (
    <div class={strong ? "figure strong" : "figure"}>
      <dt>{name}</dt>
      <dd>
        <span class="value">{formatCount(value)}</span>
        {leadsTo === undefined ? <span class="note">{note}</span> : <Leading to={leadsTo} note={note} />}
      </dd>
    </div>
  );
}

/** No link to an anchor, as the address bar names the view. */
function Leading({ to, note }: { readonly to: string; readonly note: string }) {
  return (
    <button
      type="button"
      class="leading note"
      onClick={() => {
        const heading = document.getElementById(to);
        heading?.scrollIntoView();
        heading?.focus();
      }}
    >
      {note}
    </button>
  );
}

function unparsedNote(unparsed: number, lines: number): string {
  if (lines === 0) return "nothing was read yet";
  if (unparsed === 0) return "every line was understood";
  return `${formatShare(unparsed, lines)} of the lines`;
}
