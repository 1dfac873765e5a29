import type { Block } from "../../src/model/decision.ts";
import { parseTarget, type Target } from "../../src/model/ip.ts";
import { NEVER, unixMs } from "../../src/model/time.ts";

export const target = (text: string): Target => parseTarget(text)!;

export const block = (text: string, until: number = NEVER): Block => ({
  target: target(text),
  until: unixMs(until),
});

/** Until somebody lifts them. */
export const blocks = (...texts: readonly string[]): Block[] => texts.map((text) => block(text));
