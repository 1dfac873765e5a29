import { expect } from "vitest";
import { SekishoError } from "../../src/model/errors.ts";

/** What the work fails with; it must, and with an error that has a code and a hint. */
export async function failure(work: Promise<unknown>): Promise<SekishoError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SekishoError);
  return error as SekishoError;
}
