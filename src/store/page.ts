import type { Page } from "../model/api.ts";

/** A page has only rows of smaller numbers than this. */
export const before = (cursor: string | null): number =>
  cursor === null ? Number.MAX_SAFE_INTEGER : Number(cursor);

/** The first `limit` of at most one more row, and where the next page begins. */
export function pageOf<Row extends { readonly id: number }, Item>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  return { items: shown.map(item), next: rows.length > limit ? String(shown[shown.length - 1]!.id) : null };
}
