import type { EventItem } from "../../src/model/api.ts";
import type { UnparsedReason } from "../../src/model/event.ts";
import { unparsed } from "../state.ts";
import { Text } from "./text.tsx";
import { Ago } from "./time.tsx";

const REASONS: Readonly<Record<UnparsedReason, string>> = {
  format: "not the shape of its source's format",
  truncated: "too long, or cut in the middle",
  client: "no address where one should be",
  time: "the time is no time",
  json: "not a JSON object",
  "audit-field": "a required field is missing or of a wrong type",
  continuation: "the rest of the message before it",
  "audit-name": "not a known event name",
  "audit-version": "of a version newer than this Sekisho",
  fault: "Sekisho failed on it: please report this line",
};

/** The newest lines that are not events, each with the reason. */
export function UnparsedLines() {
  const items = unparsed.value;
  if (items === null) return <p class="empty">Reading the unparsed lines.</p>;
  if (items.length === 0) return <p class="empty">No unparsed lines are kept.</p>;
  return (
    <ol class="evidence unnumbered">
      {items.map((item) => (
        <Line key={item.id} item={item} />
      ))}
    </ol>
  );
}

function Line({ item }: { readonly item: EventItem }) {
  return (
    <li>
      <small>
        <Ago at={item.time} />: {item.reason === null ? "no reason kept" : REASONS[item.reason]}
      </small>
      <code>
        <Text value={item.message ?? "(its bytes were not kept)"} />
      </code>
    </li>
  );
}
