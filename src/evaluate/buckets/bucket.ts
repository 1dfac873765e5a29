import type { LogEvent } from "../../model/event.ts";
import type { UnixMs } from "../../model/time.ts";

/**
 * Hits of one lane are never counted together with another's. Apache's own logs are lane 0. Each audit source has two: one
 * for events that it may ban for, one for the rest. So an app can neither complete a ban with events that it may not ban
 * for, nor lend its hits to another source and hide whose ban it is, nor spoil the count of honest reports by mixing in
 * hits that make the finding one to be spared.
 */
export type Lane = number;
export const APACHE: Lane = 0;

/** A hit of another rule. */
export interface Scored {
  readonly rule: string;
  readonly points: number;
}

/**
 * Counting state of one rule for one subject, on event time. Lines may come out of order by a little: a hit that is
 * older than the window before the newest hit does not count, any other counts where its time puts it.
 *
 * There is one for each of many clients, so what leads to it and belongs to it is in the one object.
 */
export abstract class Bucket {
  /** The rule's position. */
  position = 0;
  /** Whose hits these are. */
  lane = APACHE;
  /** When the rule fired last for the subject; its cooldown runs from there. */
  firedAt: UnixMs | null = null;
  /** Another of the same subject. Most do what one or two rules look at, so a list is shorter than a place for each rule. */
  next: Bucket | null = null;

  /**
   * Adds a hit. True when there are so many that the rule fires. What it keeps is bounded, and follows from the hits within
   * the rule's window alone: a restart counts no others again. A score is told whose hit it is.
   */
  abstract add(event: LogEvent, scored?: Scored): boolean;
  /** Of the hits that count, when it is full. */
  abstract readonly firstSeen: UnixMs;
  /** The newest hit, by time; `NO_TIME` when it is empty. */
  abstract readonly lastSeen: UnixMs;
  /** Of the hits that count, when it is full. */
  abstract readonly count: number;
  /** What the count is made of, where the rule's title does not say it. */
  get made(): string {
    return "";
  }
  abstract evidence(): readonly string[];
  abstract clear(): void;
}

/** Before the first hit. */
export const NO_TIME = -1 as UnixMs;

/** A value of an event is cut here. */
export const VALUE_LENGTH = 256;
