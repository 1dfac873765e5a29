import type { Severity } from "../model/finding.ts";
import { withoutUnsafe } from "../model/safe-text.ts";
import type { UnixMs } from "../model/time.ts";

/** Something that a person should hear of. Its text may come from a log: it is data, never markup. */
export interface Notice {
  readonly at: UnixMs;
  readonly severity: Severity;
  /** What happened, as in `ban.decided`. */
  readonly signal: string;
  readonly text: string;
  /** Of a ban: who is banned. */
  readonly target?: string | undefined;
}

/** Notices that go out as one message. */
export interface Message {
  readonly host: string;
  /** Where a browser elsewhere finds the page; null where nobody said. */
  readonly dashboard: string | null;
  /** Of the gravest. */
  readonly severity: Severity;
  readonly title: string;
  /** The first of them. */
  readonly notices: readonly Notice[];
  /** Of all. */
  readonly count: number;
}

/** Of so many notices a message shows the text. */
export const MOST_SHOWN = 20;

const MOST_CHARACTERS = 300;

/** One line that is safe to show. */
export const oneLine = (text: string): string => {
  const safe = withoutUnsafe(text, " ");
  return safe.length <= MOST_CHARACTERS ? safe : `${safe.slice(0, MOST_CHARACTERS - 1)}…`;
};
