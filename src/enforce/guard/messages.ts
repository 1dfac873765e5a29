import { z } from "zod";
import type { Block } from "../../model/decision.ts";
import type { Target } from "../../model/ip.ts";
import { toIsoOrNull, type UnixMs } from "../../model/time.ts";

/** The newest version of the lines. It grows when an app must understand something new, never otherwise. */
export const GUARD_VERSION = 1;

const target = z
  .string()
  .max(64)
  .describe("Canonical CIDR: `192.0.2.1/32`, `198.51.100.0/24`, `2001:db8::/64`.");
const ban = {
  target,
  until: z.iso
    .datetime()
    .nullable()
    .describe("When the ban ends by itself, RFC 3339 in UTC; null: when a person lifts it."),
};

/** One line that Sekisho sends. Within a version fields and types are added, so an app passes over what it does not know. */
export const guardLineSchema = z.discriminatedUnion("type", [
  z
    .looseObject({
      type: z.literal("hello"),
      version: z.literal(GUARD_VERSION),
      heartbeat: z
        .number()
        .positive()
        .describe("Seconds within which the next line comes, a heartbeat at least."),
    })
    .describe("The first line of each connection."),
  z
    .looseObject({
      type: z.literal("snapshot"),
      part: z
        .number()
        .int()
        .min(0)
        .describe("0 begins a new list, and what came of an unfinished one is void."),
      last: z.boolean().describe("True: the list is whole now and takes the place of the one before."),
      bans: z.array(z.looseObject(ban)),
    })
    .describe("All bans that run, in parts of at most some hundred."),
  z.looseObject({ type: z.literal("ban"), ...ban }).describe("A new ban, or a ban whose end has changed."),
  z.looseObject({ type: z.literal("unban"), target }).describe("A ban that was lifted or has ended."),
  z.looseObject({ type: z.literal("heartbeat") }).describe("Nothing happened, and Sekisho runs."),
  z
    .looseObject({
      type: z.literal("bye"),
      reason: z
        .enum(["stopping", "too-slow", "too-many"])
        .describe(
          "stopping: Sekisho stops, restarts or was told to listen elsewhere; too-slow: the app does not read; " +
            "too-many: too many apps are connected.",
        ),
    })
    .describe("The last line of a connection. The bans stay, each until its end."),
]);
export type GuardLine = z.infer<typeof guardLineSchema>;
export type Farewell = Extract<GuardLine, { type: "bye" }>["reason"];

/** One line that an app may send. */
export const guardReportSchema = z
  .looseObject({
    type: z.literal("cut"),
    target: target.describe("The ban's target."),
    sockets: z.number().int().min(1).max(1_000_000).describe("How many were closed."),
  })
  .describe("The app closed sockets of a banned client. It is counted, and shown beside the enforcer.");

export const lineOf = (message: GuardLine): string => `${JSON.stringify(message)}\n`;

/** `until` is null for a lift. */
export const changeLine = (changed: Target, until: UnixMs | null): string =>
  lineOf(
    until === null
      ? { type: "unban", target: changed }
      : { type: "ban", target: changed, until: toIsoOrNull(until) },
  );

export const snapshotLine = (blocks: readonly Block[], part: number, last: boolean): string =>
  lineOf({
    type: "snapshot",
    part,
    last,
    bans: blocks.map((block) => ({ target: block.target, until: toIsoOrNull(block.until) })),
  });

/** How many sockets a line of an app says that it cut; 0 for any other line. */
export function socketsCut(line: string): number {
  try {
    const report = guardReportSchema.safeParse(JSON.parse(line));
    return report.success ? report.data.sockets : 0;
  } catch {
    return 0;
  }
}
