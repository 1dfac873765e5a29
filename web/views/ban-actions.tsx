import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type ApiError, api, asApiError } from "../api.ts";
import { refresh } from "../refresh.ts";
import { outcome } from "../state.ts";
import { bound } from "./bound.ts";
import { Refusal } from "./refusal.tsx";
import { Text } from "./text.tsx";

type Asked = "unban" | "allow";

/** Unban and Allow, each asked once more on the spot. Escape keeps things as they are. */
export function BanActions({ target }: { readonly target: string }) {
  const asked = useSignal<Asked | null>(null);
  const cancelled = useSignal<Asked | null>(null);
  const cancel = (): void => {
    cancelled.value = asked.value;
    asked.value = null;
  };
  if (asked.value !== null) return <Confirmation target={target} asked={asked.value} onCancel={cancel} />;
  const ask = (what: Asked, text: string) => (
    <button
      type="button"
      // Focus returns to the button that opened the question.
      ref={(button: HTMLButtonElement | null) => {
        if (button === null || cancelled.value !== what) return;
        cancelled.value = null;
        button.focus();
      }}
      aria-label={`${text} ${target}`}
      onClick={() => {
        asked.value = what;
      }}
    >
      {text}
    </button>
  );
  return (
    <span class="buttons">
      {ask("unban", "Unban")}
      {ask("allow", "Allow")}
    </span>
  );
}

const QUESTIONS = {
  unban: { text: "Lift the ban on", button: "Unban", done: "Unbanned" },
  allow: { text: "Lift it and never again ban", button: "Allow", done: "Put on the allowlist:" },
} as const;

interface ConfirmationProps {
  readonly target: string;
  readonly asked: Asked;
  readonly onCancel: () => void;
}

function Confirmation({ target, asked, onCancel }: ConfirmationProps) {
  const { text, button, done } = QUESTIONS[asked];
  const reason = useSignal("");
  const error = useSignal<ApiError | null>(null);
  const busy = useSignal(false);
  const first = useRef<HTMLButtonElement & HTMLInputElement>(null);
  useLayoutEffect(() => first.current?.focus(), []);
  const act = async (event: Event): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    try {
      await (asked === "unban" ? api.unban(target) : api.allow(target, reason.value));
      outcome.value = `${done} ${target}`;
      document.querySelector<HTMLElement>("#bans-heading")?.focus();
      for (const read of [refresh.bans, refresh.incidents, refresh.incident, refresh.status]) read(true);
    } catch (problem) {
      error.value = asApiError(problem);
    }
    busy.value = false;
  };
  return (
    <form
      class="confirmation"
      aria-label={`${button} ${target}`}
      onSubmit={act}
      onKeyDown={(event) => {
        if (event.key === "Escape") onCancel();
      }}
    >
      <p>
        {text} <Text value={target} />?
      </p>
      {asked === "allow" && (
        <input ref={first} aria-label="Reason, optional" placeholder="Reason, optional" {...bound(reason)} />
      )}
      <span class="buttons">
        <button
          {...(asked === "unban" ? { ref: first } : {})}
          type="submit"
          class="main-action"
          disabled={busy}
        >
          {button}
        </button>
        <button type="button" onClick={onCancel}>
          Keep the ban
        </button>
      </span>
      <Refusal error={error.value} />
    </form>
  );
}
