import { useSignal } from "@preact/signals";
import { ApiError, asApiError } from "../api.ts";
import { signIn } from "../session.ts";
import { bound } from "./bound.ts";
import { Refusal } from "./refusal.tsx";
import { Seal } from "./seal.tsx";

export function SignIn() {
  const token = useSignal("");
  const error = useSignal<ApiError | null>(null);
  const busy = useSignal(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = token.value.trim();
    if (given === "") {
      error.value = new ApiError(
        0,
        "PAGE",
        "There is no token in the field.",
        "Paste the whole line of the file.",
      );
      return;
    }
    busy.value = true;
    error.value = null;
    await signIn(given).catch((reason: unknown) => {
      error.value = asApiError(reason);
    });
    busy.value = false;
  };
  return (
    <main class="sign-in">
      <Seal />
      <div>
        <h1>Sekisho</h1>
        <p class="lead">The checkpoint wants to see your papers.</p>
        <p>
          <code>sudo sekisho link</code> prints a link, and so does <code>sekisho run</code> when it starts.
          Open that link in this browser and you are in; it works once.
        </p>
        <form onSubmit={submit}>
          <label for="token">Or paste the token</label>
          <p class="note" id="token-note">
            From a checkout it is in <code>data/token</code>, in the folder where Sekisho was started. When
            installed: <code>sudo cat /var/lib/sekisho/token</code>. With another <code>data:</code> in the
            configuration, it is the file <code>token</code> there.
          </p>
          <div class="field-row">
            <input
              id="token"
              type="password"
              autocomplete="off"
              spellcheck={false}
              required
              aria-describedby="token-note token-refusal"
              aria-invalid={error.value !== null}
              {...bound(token)}
            />
            <button type="submit" class="main-action" disabled={busy}>
              Sign in
            </button>
          </div>
          <Refusal id="token-refusal" error={error.value} />
        </form>
      </div>
    </main>
  );
}
