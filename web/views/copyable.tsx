import { useRef } from "preact/hooks";
import { outcome } from "../state.ts";
import { Text } from "./text.tsx";

/** A line for a file or a terminal, with a button that copies it. */
export function Copyable({ text }: { readonly text: string }) {
  const code = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      outcome.value = `Copied: ${text}`;
    } catch {
      // No clipboard without https, or none that the browser gives away.
      if (code.current !== null) getSelection()?.selectAllChildren(code.current);
      outcome.value = "The browser gives no clipboard away: it is selected, copy it with the keyboard";
    }
  };
  return (
    <span class="copyable">
      <code ref={code}>
        <Text value={text} />
      </code>
      <button type="button" aria-label={`Copy ${text}`} onClick={copy}>
        Copy
      </button>
    </span>
  );
}
