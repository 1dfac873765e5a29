import { turn } from "../refresh.ts";
import type { Listing } from "../state.ts";
import { isCapped } from "./capped.tsx";

interface PagerProps<Item, Filter> {
  readonly list: Listing<Item, Filter>;
  readonly read: (hurry: boolean) => void;
  readonly label: string;
}

/** Newer and older pages of a collection; nothing where one page holds it all, or shows only its first rows. */
export function Pager<Item, Filter>({ list, read, label }: PagerProps<Item, Filter>) {
  const cursors = list.cursors.value;
  const next = list.next.value;
  if (cursors.length === 0 && next === null) return null;
  if (isCapped(list.items.value?.length ?? 0, list.whole.value)) return null;
  const go = (to: readonly string[]): void => {
    turn(list, { cursors: to });
    read(true);
  };
  return (
    <nav class="pager" aria-label={label}>
      <button type="button" disabled={cursors.length === 0} onClick={() => go(cursors.slice(0, -1))}>
        Newer
      </button>
      <span>Page {cursors.length + 1}</span>
      <button
        type="button"
        disabled={next === null}
        onClick={() => {
          if (next !== null) go([...cursors, next]);
        }}
      >
        Older
      </button>
    </nav>
  );
}
