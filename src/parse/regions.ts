import type { Item, Value } from "./log-format.ts";

/**
 * What stands between two borders of a format (or an end of it): quotes, and tabs where `tabs` says so. Apache escapes both
 * in values, so those of a line that are not escaped are exactly the format's: whatever a client sends, it cannot move a
 * value from one region to another.
 */
export interface Region {
  /** The border that it begins behind; "" for the first. */
  readonly opens: string;
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

export function regionsOf(items: readonly Item[], tabs: boolean): Region[] {
  const regions: { readonly opens: string; readonly items: Item[] }[] = [{ opens: "", items: [] }];
  for (const item of items) {
    if (item.kind !== "text") {
      regions.at(-1)!.items.push(item);
      continue;
    }
    for (const text of item.text.split(tabs ? /(?=["\t])/ : /(?=")/)) {
      const opens = text[0] === '"' || (tabs && text[0] === "\t") ? text[0] : "";
      if (opens !== "") regions.push({ opens, items: [] });
      const plain = text.slice(opens.length);
      if (plain !== "") regions.at(-1)!.items.push({ kind: "text", text: plain });
    }
  }
  return regions.map(({ opens, items: within }) => ({ opens, ...toRegion(within) }));
}

/** How many regions a text ends. */
export const bordersIn = (text: string, tabs: boolean): number => text.split(tabs ? /["\t]/ : '"').length - 1;

function toRegion(items: readonly Item[]): Omit<Region, "opens"> {
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
