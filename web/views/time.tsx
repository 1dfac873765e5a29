import { formatAgo, formatAhead, formatDay, formatMoment, formatRemaining } from "../format.ts";
import { now } from "../state.ts";

/** `5 min ago`, with the whole time in the title. */
export function Ago({ at }: { readonly at: string }) {
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={formatMoment(time)}>
      {formatAgo(time, now.value)}
    </time>
  );
}

/** The whole time with its zone, and how long ago it was: for who writes a report of it. */
export function Moment({ at }: { readonly at: string }) {
  const time = Date.parse(at);
  return (
    <time class="moment" dateTime={at}>
      {formatAgo(time, now.value)} <span class="note">{formatMoment(time)}</span>
    </time>
  );
}

/** `3 November`, with the whole time in the title. */
export function Day({ at }: { readonly at: string }) {
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={formatMoment(time)}>
      {formatDay(time)}
    </time>
  );
}

/** `in 12 min`. */
export function Ahead({ at }: { readonly at: string }) {
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={formatMoment(time)}>
      {formatAhead(time, now.value)}
    </time>
  );
}

/** What is left of a ban, to the second. */
export function Remaining({ until }: { readonly until: string | null }) {
  if (until === null) return <span title="Until a person lifts it">permanent</span>;
  const time = Date.parse(until);
  return (
    <time class="countdown" dateTime={until} title={`Expiry: ${formatMoment(time)}`}>
      {formatRemaining(time, now.value) ?? "expired"}
    </time>
  );
}
