import type { Item, Value } from "./log-format.ts";

/**
 * What stands between two quotes of a format (or an end of it). Apache escapes quotes in values, so the quotes of
 * a line that are not escaped are exactly the format's: whatever a client sends, it cannot move a value from
 * one region to another.
 */
export interface Region {
  /** What stands before its first loose value: everything when it has none. */
  readonly left: readonly Item[];
  /** Its loose value; null when it has none or several. */
  readonly loose: Value | null;
  readonly looseCount: number;
  /** What stands behind its last loose value. */
  readonly right: readonly Item[];
  /** How many values write `""` when empty. */
  readonly users: number;
}

export function regionsOf(items: readonly Item[]): Region[] {
  const regions: Item[][] = [[]];
  for (const item of items) {
    if (item.kind !== "text") {
      regions.at(-1)!.push(item);
      continue;
    }
    const [first, ...others] = item.text.split('"');
    for (const text of [first!, ...others.map((other) => `"${other}`)]) {
      if (text.startsWith('"')) regions.push([]);
      const plain = text.replace('"', "");
      if (plain !== "") regions.at(-1)!.push({ kind: "text", text: plain });
    }
  }
  return regions.map(toRegion);
}

function toRegion(items: readonly Item[]): Region {
  const values = items.filter(isValue);
  const loose = values.filter(({ kind }) => kind === "loose");
  const first = items.findIndex(({ kind }) => kind === "loose");
  const last = items.findLastIndex(({ kind }) => kind === "loose");
  return {
    left: first === -1 ? items : items.slice(0, first),
    loose: loose.length === 1 ? loose[0]! : null,
    looseCount: loose.length,
    right: first === -1 ? [] : items.slice(last + 1),
    users: values.filter(({ quotedWhenEmpty }) => quotedWhenEmpty).length,
  };
}

export const isValue = (item: Item): item is Value => item.kind !== "text" && item.kind !== "time";
