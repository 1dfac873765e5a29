import { useSignal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { type ApiError, api, asApiError } from "../api.ts";
import { banOutcome } from "../effect.ts";
import { refresh } from "../refresh.ts";
import { now, outcome, status } from "../state.ts";
import { bound } from "./bound.ts";
import { Refusal } from "./refusal.tsx";

const LENGTHS = ["1h", "4h", "1d", "1w", "4w", "permanent"];

interface BanFormProps {
  /** Given where the page knows whom to ban. */
  readonly target?: string;
  readonly onDone: () => void;
}

export function BanForm({ target: known = "", onDone }: BanFormProps) {
  const target = useSignal(known);
  const length = useSignal("");
  const reason = useSignal("");
  const error = useSignal<ApiError | null>(null);
  const busy = useSignal(false);
  const id = useId();
  const first = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => first.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    error.value = null;
    try {
      // What was banned is the server's to say: a bare IPv6 address became its /64.
      const banned = await api.ban(target.value.trim(), length.value.trim(), reason.value.trim());
      outcome.value = banOutcome(banned, status.value, now.value);
      for (const read of [refresh.bans, refresh.incidents, refresh.incident, refresh.status]) read(true);
      onDone();
    } catch (problem) {
      error.value = asApiError(problem);
      first.current?.focus();
    }
    busy.value = false;
  };
  return (
    <form class="ban-form" aria-label="Ban an address" onSubmit={submit}>
      <label>
        Target
        <input
          ref={first}
          required
          spellcheck={false}
          autocomplete="off"
          placeholder="192.0.2.7 or 2001:db8::/64"
          aria-describedby={`${id}-refusal`}
          aria-invalid={error.value !== null}
          {...bound(target)}
        />
      </label>
      <label>
        Length
        <input
          list={`${id}-lengths`}
          spellcheck={false}
          autocomplete="off"
          placeholder="by policy"
          {...bound(length)}
        />
        <datalist id={`${id}-lengths`}>
          {LENGTHS.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      </label>
      <label class="wide">
        Reason
        <input autocomplete="off" placeholder="for whoever reads this later" {...bound(reason)} />
      </label>
      <span class="buttons">
        <button type="submit" class="main-action" disabled={busy}>
          Ban
        </button>
        <button type="button" onClick={onDone}>
          Cancel
        </button>
      </span>
      <Refusal id={`${id}-refusal`} error={error.value} />
    </form>
  );
}
