import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type ApiError, asApiError } from "../api.ts";
import { sentence } from "../format.ts";
import { outcome } from "../state.ts";
import { bound } from "./bound.ts";
import { Refusal } from "./refusal.tsx";
import { Text } from "./text.tsx";

export interface RowAction {
  readonly button: string;
  /** Completed by the target and a question mark. */
  readonly question: string;
  readonly asksReason: boolean;
  /** Answers what it led to. */
  act(target: string, reason: string): Promise<string>;
}

interface RowActionsProps {
  readonly target: string;
  readonly actions: readonly RowAction[];
  readonly keep: string;
  /** Where the focus goes when it is done; on a page without it, to the page's own heading. */
  readonly heading: string;
}

/**
 * What a person can do about the target of a row, asked once more on the spot. The question lies over the
 * table, and the buttons keep their place under it, so that no column moves. Escape keeps things as they are.
 */
export function RowActions({ target, actions, keep, heading }: RowActionsProps) {
  const asked = useSignal<RowAction | null>(null);
  const cancelled = useSignal<RowAction | null>(null);
  const cancel = (): void => {
    cancelled.value = asked.value;
    asked.value = null;
  };
  return (
    <div class="row-actions">
      <span class={asked.value === null ? "buttons" : "buttons covered"}>
        {actions.map((action) => (
          <button
            key={action.button}
            type="button"
            // Focus returns to the button that opened the question.
            ref={(button: HTMLButtonElement | null) => {
              if (button === null || asked.value !== null || cancelled.value !== action) return;
              cancelled.value = null;
              button.focus();
            }}
            aria-label={`${action.button} ${target}`}
            onClick={() => {
              asked.value = action;
            }}
          >
            {action.button}
          </button>
        ))}
      </span>
      {asked.value !== null && (
        <Confirmation
          target={target}
          action={asked.value}
          keep={keep}
          heading={heading}
          onCancel={cancel}
          onDone={() => {
            asked.value = null;
          }}
        />
      )}
    </div>
  );
}

interface ConfirmationProps extends Omit<RowActionsProps, "actions"> {
  readonly action: RowAction;
  readonly onCancel: () => void;
  /** The row may stay, as one that tells what was. */
  readonly onDone: () => void;
}

function Confirmation({ target, action, keep, heading, onCancel, onDone }: ConfirmationProps) {
  const reason = useSignal("");
  const error = useSignal<ApiError | null>(null);
  const busy = useSignal(false);
  const first = useRef<HTMLButtonElement & HTMLInputElement>(null);
  useLayoutEffect(() => first.current?.focus(), []);
  const act = async (event: Event): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    busy.value = true;
    try {
      outcome.value = await action.act(target, reason.value);
      (document.querySelector<HTMLElement>(heading) ?? document.querySelector("h1"))?.focus();
      onDone();
      return;
    } catch (problem) {
      error.value = asApiError(problem);
      // The row has gone meanwhile, and its refusal with it.
      if (!form.isConnected) outcome.value = `${error.value.message}. ${sentence(error.value.hint)}`;
    }
    busy.value = false;
  };
  return (
    <form
      class="confirmation"
      aria-label={`${action.button} ${target}`}
      onSubmit={act}
      onKeyDown={(event) => {
        if (event.key === "Escape") onCancel();
      }}
    >
      <p>
        {action.question} <Text value={target} />?
      </p>
      {action.asksReason && (
        <input ref={first} aria-label="Reason, optional" placeholder="Reason, optional" {...bound(reason)} />
      )}
      <span class="buttons">
        <button
          {...(action.asksReason ? {} : { ref: first })}
          type="submit"
          class="main-action"
          disabled={busy}
        >
          {action.button}
        </button>
        <button type="button" onClick={onCancel}>
          {keep}
        </button>
      </span>
      <Refusal error={error.value} />
    </form>
  );
}
