import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { z } from "zod";
import { keepCopy } from "../download/copy.ts";
import { isIpv4, type Target } from "../model/ip.ts";
import type { PackedTargets } from "../model/packed-targets.ts";
import { type Reading, readEntries } from "./entries.ts";
import { MOST_BYTES } from "./source.ts";

const LINES_AT_ONCE = 5_000;

const count = z.number().int().min(0);
const aboutSchema = z.object({
  version: z.literal(1),
  /** What the list is and how it is read: a copy of another one is none. */
  source: z.string(),
  fetchedAt: z.number(),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  wrong: count,
  refused: count,
  examples: z.array(z.string()),
  /** Size of the file with the entries, so that one which was written and not told of is noticed. */
  bytes: count,
});

/** What is known of the last good copy of a list. */
export type CopyAbout = z.infer<typeof aboutSchema>;

export interface Copy {
  readonly about: CopyAbout;
  readonly targets: PackedTargets;
}

const aboutFile = (folder: string, name: string): string => join(folder, `${name}.json`);
const entriesFile = (folder: string, name: string): string => join(folder, `${name}.txt`);

/** The last good copy of a list; null when there is none, or it is of another source or damaged: it is fetched then. */
export async function readCopy(
  folder: string,
  name: string,
  rules: { readonly source: string; readonly max: number },
): Promise<Copy | null> {
  try {
    const about = aboutSchema.parse(JSON.parse(readFileSync(aboutFile(folder, name), "utf8")));
    const file = entriesFile(folder, name);
    const { size } = statSync(file);
    if (about.source !== rules.source || size !== about.bytes || size > MOST_BYTES) return null;
    const how = { max: rules.max, format: "plain", column: 1, separator: "," } as const;
    const { targets, wrong, isCut } = await readEntries(readFileSync(file), how, null);
    return wrong === 0 && !isCut && targets.size <= rules.max ? { about, targets } : null;
  } catch {
    return null;
  }
}

/** Something is kept under this name, good or not. */
export const hasCopy = (folder: string, name: string): boolean => existsSync(aboutFile(folder, name));

/** Keeps what was just fetched. The entries first: without their size told they count for nothing. */
export async function writeCopy(
  folder: string,
  name: string,
  { targets, wrong, refused, examples }: Reading,
  told: Pick<CopyAbout, "source" | "fetchedAt" | "etag" | "lastModified">,
): Promise<CopyAbout> {
  const text = await spelledOut(targets);
  const about = { version: 1 as const, ...told, wrong, refused, examples: [...examples], bytes: text.length };
  keepCopy(entriesFile(folder, name), text);
  keepCopy(aboutFile(folder, name), JSON.stringify(about));
  return about;
}

/** Notes that the source has nothing newer. */
export function touchCopy(folder: string, name: string, about: CopyAbout): void {
  keepCopy(aboutFile(folder, name), JSON.stringify(about));
}

/** Some at a time, so that half a million texts are never there at once, and other work gets its turn. */
async function spelledOut(targets: Iterable<Target>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let lines: string[] = [];
  for (const target of targets) {
    if (lines.push(`${spelled(target)}\n`) < LINES_AT_ONCE) continue;
    parts.push(Buffer.from(lines.join(""), "latin1"));
    lines = [];
    await breathe();
  }
  return Buffer.concat([...parts, Buffer.from(lines.join(""), "latin1")]);
}

const spelled = (target: Target): string =>
  isIpv4(target) && target.endsWith("/32") ? target.slice(0, -"/32".length) : target;
