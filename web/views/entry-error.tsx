import { sentence } from "../format.ts";
import { Text } from "./text.tsx";

/** What is wrong with one of several, beside it. */
export function EntryError({ error, hint }: { readonly error: string | null; readonly hint: string | null }) {
  if (error === null) return null;
  return (
    <p class="refusal">
      <strong>
        <Text value={error} />
      </strong>{" "}
      {hint !== null && <Text value={sentence(hint)} />}
    </p>
  );
}
