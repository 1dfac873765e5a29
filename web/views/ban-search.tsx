import { useSignal } from "@preact/signals";
import { type ApiError, api, asApiError } from "../api.ts";
import { refresh, turn } from "../refresh.ts";
import { bans, bansTouching } from "../state.ts";
import { Refusal } from "./refusal.tsx";

/** Fewer are seen at a glance. */
const MANY = 10;

/** Finds who is banned among many: somebody calls and says that they cannot get in. */
export function BanSearch() {
  const error = useSignal<ApiError | null>(null);
  const isLong = (bans.items.value?.length ?? 0) > MANY || bans.cursors.value.length > 0;
  if (!isLong && bansTouching.value === "") return null;
  const show = (target: string): void => {
    error.value = null;
    bansTouching.value = target;
    turn(bans, { filter: bans.filter.value });
    refresh.bans(true);
  };
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const target = String(new FormData(event.currentTarget as HTMLFormElement).get("target")).trim();
    try {
      // What is no address is refused here, beside the field, and the bans stay in sight.
      if (target !== "") await api.bans(null, null, target);
      show(target);
    } catch (problem) {
      error.value = asApiError(problem);
    }
  };
  return (
    <search>
      <form class="find" onSubmit={submit}>
        <input
          type="search"
          name="target"
          aria-label="Address to find among the bans"
          aria-describedby="find-refusal"
          aria-invalid={error.value !== null}
          placeholder="Is this address banned? 192.0.2.7"
          spellcheck={false}
          autocomplete="off"
          defaultValue={bansTouching.value}
          onInput={({ currentTarget }) => {
            if (currentTarget.value === "" && bansTouching.value !== "") show("");
          }}
        />
        <button type="submit">Find</button>
        <Refusal id="find-refusal" error={error.value} />
      </form>
    </search>
  );
}
