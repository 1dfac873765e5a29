import { useSignalEffect } from "@preact/signals";
import { outcome } from "../state.ts";
import { Text } from "./text.tsx";

const SHOWN_MS = 10_000;

/** Says what an action led to, and goes away by itself. */
export function Outcome() {
  useSignalEffect(() => {
    if (outcome.value === null) return;
    const timer = setTimeout(() => {
      outcome.value = null;
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  });
  return (
    <div role="status" aria-live="polite" class="outcome">
      {outcome.value !== null && (
        <p>
          <Text value={outcome.value} />
          <button
            type="button"
            class="quiet"
            onClick={() => {
              outcome.value = null;
            }}
          >
            Dismiss
          </button>
        </p>
      )}
    </div>
  );
}
