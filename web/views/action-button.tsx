import { useSignal } from "@preact/signals";
import { type ApiError, asApiError } from "../api.ts";
import { outcome } from "../state.ts";
import { Refusal } from "./refusal.tsx";

interface ActionButtonProps {
  readonly text: string;
  /** While it is under way; absent: the same. */
  readonly busyText?: string;
  /** What it is called for those who hear the page; absent: by its text. */
  readonly label?: string;
  /** Answers what it led to. */
  readonly act: () => Promise<string>;
}

/** A button that has Sekisho do something at once, and what was in the way of it. */
export function ActionButton({ text, busyText = text, label, act }: ActionButtonProps) {
  const error = useSignal<ApiError | null>(null);
  const busy = useSignal(false);
  const press = async (): Promise<void> => {
    busy.value = true;
    error.value = null;
    try {
      outcome.value = await act();
    } catch (problem) {
      error.value = asApiError(problem);
    }
    busy.value = false;
  };
  return (
    <>
      <button
        type="button"
        disabled={busy}
        onClick={press}
        {...(label !== undefined && { "aria-label": label })}
      >
        {busy.value ? busyText : text}
      </button>
      <Refusal error={error.value} />
    </>
  );
}
