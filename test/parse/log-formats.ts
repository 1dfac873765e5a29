import { expect } from "vitest";
import { SekishoError } from "../../src/model/errors.ts";
import { unixMs } from "../../src/model/time.ts";
import { AccessLogParser } from "../../src/parse/access-log.ts";

export const COMMON = '%h %l %u %t "%r" %>s %b';
export const COMBINED = `${COMMON} "%{Referer}i" "%{User-Agent}i"`;
/** What a line of either begins with. */
export const START = "192.0.2.7 - - [20/Nov/2026:22:01:30 +0000]";
export const TIME = unixMs(Date.UTC(2026, 10, 20, 22, 1, 30));

export const parser = (format: string, timezone: string | null = "UTC"): AccessLogParser =>
  new AccessLogParser(format, timezone);

/** A format that cannot be used is refused with what is wrong with it and what to write. */
export function expectRefusal(make: () => unknown, message: RegExp, hint: RegExp): void {
  let refusal: unknown;
  try {
    make();
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(SekishoError);
  expect(refusal).toMatchObject({ code: "LOG_FORMAT_INVALID", message: expect.stringMatching(message) });
  expect((refusal as SekishoError).hint).toMatch(hint);
}
