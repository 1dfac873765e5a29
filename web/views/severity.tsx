import type { Severity } from "../../src/model/finding.ts";

const RUNGS: Readonly<Record<Severity, number>> = { info: 0, low: 1, medium: 2, high: 3, critical: 4 };

/** The word, and a ladder of four rungs that is read without colour. */
export function SeverityMark({ severity }: { readonly severity: Severity }) {
  return (
    <span class={`severity ${severity}`}>
      <svg class="ladder" viewBox="0 0 15 10" aria-hidden="true">
        {[0, 1, 2, 3].map((rung) => (
          <rect
            key={rung}
            class={rung < RUNGS[severity] ? "rung" : "rung empty-rung"}
            x={rung * 4}
            y={7 - rung * 2}
            width="2.6"
            height={3 + rung * 2}
          />
        ))}
      </svg>
      {severity}
    </span>
  );
}
