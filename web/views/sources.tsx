import { useSignal } from "@preact/signals";
import type { SourceStatus } from "../../src/model/api.ts";
import { formatBytes, formatCount, formatShare, sentence } from "../format.ts";
import { refresh } from "../refresh.ts";
import { status } from "../state.ts";
import { Mark } from "./mark.tsx";
import { Text } from "./text.tsx";
import { Ago } from "./time.tsx";
import { UnparsedLines } from "./unparsed.tsx";

/** More than this behind is worth a look: a burst is read in far less than a second. */
const LAG_BYTES = 1024 * 1024;

export function Sources() {
  const open = useSignal(false);
  const sources = status.value?.sources ?? [];
  const unparsed = status.value?.events.unparsed ?? 0;
  return (
    <section aria-labelledby="sources-heading">
      <div class="section-head">
        <h2 id="sources-heading">Log sources</h2>
        {unparsed > 0 && (
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
        )}
      </div>
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
    </section>
  );
}

function Source({ source }: { readonly source: SourceStatus }) {
  const { path, kind, format, lines, unparsed, lagBytes, lastEventAt, error, hint } = source;
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
        <div>
          <dt>Lines</dt>
          <dd>{formatCount(lines)}</dd>
        </div>
        <div>
          <dt>Unparsed</dt>
          <dd title={formatShare(unparsed, lines) ?? ""}>{formatCount(unparsed)}</dd>
        </div>
        <div>
          <dt>Lag</dt>
          <dd>{formatBytes(lagBytes)}</dd>
        </div>
        <div>
          <dt>Last event</dt>
          <dd>{lastEventAt === null ? "none yet" : <Ago at={lastEventAt} />}</dd>
        </div>
      </dl>
      <EntryError error={error} hint={hint} />
    </li>
  );
}

export function EntryError({ error, hint }: { readonly error: string | null; readonly hint: string | null }) {
  if (error === null) return null;
  return (
    <p class="refusal">
      <strong>
        <Text value={error} />
      </strong>{" "}
      {hint !== null && <Text value={sentence(hint)} />}
    </p>
  );
}
