import { useSignal } from "@preact/signals";
import { formatCount } from "../format.ts";
import { Text } from "./text.tsx";

/** An attacker can write lines of many kilobytes; the head of one says enough until a person wants it all. */
const HEAD = 480;

export function Evidence({ lines }: { readonly lines: readonly string[] }) {
  if (lines.length === 0) return <p class="empty">No lines were kept.</p>;
  return (
    <ol class="evidence">
      {lines.map((line, at) => (
        // Lines have no identity but their place: the list is never reordered.
        <EvidenceLine key={at} line={line} />
      ))}
    </ol>
  );
}

function EvidenceLine({ line }: { readonly line: string }) {
  const whole = useSignal(line.length <= HEAD);
  return (
    <li>
      <code>
        <Text value={whole.value ? line : line.slice(0, HEAD)} />
      </code>
      {!whole.value && (
        <button
          type="button"
          onClick={() => {
            whole.value = true;
          }}
        >
          Show all {formatCount(line.length)} characters
        </button>
      )}
    </li>
  );
}
