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
      <Figure name="Open incidents" value={shown.incidents.open} note={`${shown.rules} rules watch`} />
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
}

function Figure({ name, value, note, strong = false }: FigureProps) {
  return (
    <div class={strong ? "figure strong" : "figure"}>
      <dt>{name}</dt>
      <dd>
        <span class="value">{formatCount(value)}</span>
        <span class="note">{note}</span>
      </dd>
    </div>
  );
}

function unparsedNote(unparsed: number, lines: number): string {
  if (unparsed === 0) return "every line was understood";
  return `${formatShare(unparsed, lines)} of the lines`;
}
