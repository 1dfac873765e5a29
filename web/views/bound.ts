import type { Signal } from "@preact/signals";

/** Ties an input to a signal. */
export const bound = (text: Signal<string>) => ({
  value: text,
  onInput: (event: { readonly currentTarget: HTMLInputElement }): void => {
    text.value = event.currentTarget.value;
  },
});
