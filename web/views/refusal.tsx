import type { ApiError } from "../api.ts";
import { sentence } from "../format.ts";
import { Text } from "./text.tsx";

/** The server's error and what to do about it, beside what caused it. */
export function Refusal({ error, id }: { readonly error: ApiError | null; readonly id?: string }) {
  return (
    <p role="alert" class="refusal" {...(id === undefined ? {} : { id })}>
      {error !== null && (
        <>
          <strong>
            <Text value={error.message} />
          </strong>{" "}
          <Text value={sentence(error.hint)} />
        </>
      )}
    </p>
  );
}
