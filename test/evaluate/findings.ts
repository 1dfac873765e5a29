import type { Finding } from "../../src/model/finding.ts";
import { parseTarget, type Subject, type Target } from "../../src/model/ip.ts";
import { at } from "./events.ts";

export const target = (text: string): Target => parseTarget(text)!;

/** What a rule found at that second, on a subject that it bans. */
export const finding = (subject: string, seconds: number, fields: Partial<Finding> = {}): Finding => ({
  rule: "r",
  title: "Title",
  severity: "medium",
  subject: subject as Subject,
  firstSeen: at(seconds - 10),
  lastSeen: at(seconds),
  count: 5,
  evidence: [],
  ban: "default",
  eventIndex: 0,
  report: null,
  ...fields,
});

/** So many of one prefix. */
export const addresses = (count: number, prefix = "192.0.2."): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${n + 1}`);
