import { useSignal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import type { BanReach } from "../../src/model/api.ts";
import { type ApiError, api, asApiError } from "../api.ts";
import { banOutcome } from "../effect.ts";
import { refresh } from "../refresh.ts";
import { now, outcome, status } from "../state.ts";
import { bound } from "./bound.ts";
import { Refusal } from "./refusal.tsx";
import { WideBan } from "./wide-ban.tsx";

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
  /** Of a wide target that a person was asked about. */
  const reach = useSignal<BanReach | null>(null);
  const askedAbout = useSignal("");
  const error = useSignal<ApiError | null>(null);
  const busy = useSignal(false);
  const id = useId();
  const first = useRef<HTMLInputElement>(null);
  const cancel = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => first.current?.focus(), []);
  /** Wide ones are asked about once; Enter alone does not confirm. */
  const isToBeAsked = async (text: string): Promise<boolean> => {
    if (!text.includes("/") || askedAbout.value === text) return false;
    reach.value = null;
    const found = await api.banReach(text);
    if (!found.isWide) return false;
    reach.value = found;
    askedAbout.value = text;
    cancel.current?.focus();
    return true;
  };
  const asked = askedAbout.value === target.value.trim() ? reach.value : null;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    error.value = null;
    const text = target.value.trim();
    try {
      if (await isToBeAsked(text)) {
        busy.value = false;
        return;
      }
      // What was banned is the server's to say: a bare IPv6 address became its /64.
      const banned = await api.ban(text, length.value.trim(), reason.value.trim());
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
          {asked === null ? "Ban" : "Ban all of it"}
        </button>
        <button type="button" ref={cancel} aria-describedby={`${id}-wide`} onClick={onDone}>
          Cancel
        </button>
      </span>
      {asked !== null && <WideBan id={`${id}-wide`} reach={asked} />}
      <Refusal id={`${id}-refusal`} error={error.value} />
    </form>
  );
}
