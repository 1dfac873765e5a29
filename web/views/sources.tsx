import { useSignal } from "@preact/signals";
import type { AuditSourceStatus, DatabaseStatus, SourceStatus } from "../../src/model/api.ts";
import { formatBytes, formatCount, formatShare } from "../format.ts";
import { refresh } from "../refresh.ts";
import { status } from "../state.ts";
import { EntryError } from "./entry-error.tsx";
import { Fact } from "./fact.tsx";
import { Mark } from "./mark.tsx";
import { Section } from "./section.tsx";
import { Text } from "./text.tsx";
import { Ago, Day } from "./time.tsx";
import { UnparsedLines } from "./unparsed.tsx";

/** More than this behind is worth a look: a burst is read in far less than a second. */
const LAG_BYTES = 1024 * 1024;

/** Of its budget; what is kept moves on when the database is full, and a person should know. */
const NEARLY_FULL = 0.9;

export function Sources() {
  const open = useSignal(false);
  const sources = status.value?.sources ?? [];
  const unparsed = status.value?.events.unparsed ?? 0;
  return (
    <Section
      id="sources-heading"
      heading="Log sources"
      beside={
        unparsed > 0 && (
          <button
            type="button"
            aria-expanded={open.value}
            onClick={() => {
              open.value = !open.value;
              refresh.unparsed(true);
            }}
          >
            Unparsed lines
          </button>
        )
      }
    >
      {open.value && <UnparsedLines />}
      {sources.length === 0 && (
        <p class="empty">
          No log is read. Name Apache's logs under <code>logs:</code> in sekisho.yaml.
        </p>
      )}
      <ul class="entries">
        {sources.map((source) => (
          <Source key={source.path} source={source} />
        ))}
      </ul>
      {status.value !== null && <Database database={status.value.database} />}
    </Section>
  );
}

/** How much is stored, and how far back it goes. */
function Database({ database }: { readonly database: DatabaseStatus }) {
  const { bytes, budget, eventsSince } = database;
  return (
    <p class="note">
      Database: {formatBytes(bytes)} of {formatBytes(budget)}
      {eventsSince !== null && (
        <>
          , events since <Day at={eventsSince} />
        </>
      )}
      {bytes > NEARLY_FULL * budget && (
        <Mark tone="waiting">near its limit: the oldest events are deleted first</Mark>
      )}
    </p>
  );
}

function Source({ source }: { readonly source: SourceStatus }) {
  const { path, kind, format, lines, unparsed, lagBytes, lastEventAt, error, hint, audit } = source;
  const behind = lagBytes > LAG_BYTES;
  return (
    <li>
      <h3 class="path">
        <Text value={path} />
      </h3>
      <p class="entry-state">
        {error !== null && <Mark tone="bad">not read</Mark>}
        {error === null && <Mark tone={behind ? "waiting" : "good"}>{behind ? "behind" : "reading"}</Mark>}
        <span>
          {kind}
          {format !== kind && (
            <>
              , <Text value={format} />
            </>
          )}
        </span>
      </p>
      <dl class="numbers">
        <Fact name="Lines">{formatCount(lines)}</Fact>
        <Fact name="Unparsed" title={formatShare(unparsed, lines) ?? ""}>
          {formatCount(unparsed)}
        </Fact>
        <Fact name="Lag">{formatBytes(lagBytes)}</Fact>
        <Fact name="Last event">{lastEventAt === null ? "none yet" : <Ago at={lastEventAt} />}</Fact>
      </dl>
      {audit !== null && <Causes audit={audit} />}
      <EntryError error={error} hint={hint} />
    </li>
  );
}

/** What an app may cause, since one that is broken or taken over could have anybody banned. */
function Causes({ audit }: { readonly audit: AuditSourceStatus }) {
  const { mayBan, bans, limit, socket } = audit;
  const isAtLimit = mayBan.length > 0 && bans >= limit;
  return (
    <>
      <dl class="numbers">
        <div class="wide">
          <dt>Bans in a day</dt>
          <dd>
            {formatCount(bans)} of {formatCount(limit)}
          </dd>
        </div>
        {socket !== null && (
          <>
            <Fact name="Connections">{formatCount(socket.connections)}</Fact>
            <Fact name="Dropped" title="Lines that were too long, or whose end never came">
              {formatCount(socket.dropped)}
            </Fact>
          </>
        )}
      </dl>
      {isAtLimit && (
        <p class="entry-state">
          <Mark tone="waiting">at its limit</Mark>
          <span>What else it reports is recorded and bans nobody.</span>
        </p>
      )}
      {mayBan.length === 0 && <p>May ban for nothing.</p>}
      {mayBan.length > 0 && (
        <details>
          <summary>May ban for</summary>
          <p>
            <Text value={mayBan.join(", ")} />
          </p>
        </details>
      )}
    </>
  );
}
