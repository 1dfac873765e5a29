import { type Signal, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { formatCount } from "../format.ts";

/** Rows of a long list at first, so that what stands below it is still found. */
const FIRST = { wide: 10, narrow: 5 } as const;
/** Nobody is asked to press a button for so few more. */
const SPARE = 2;

const phone = matchMedia("(max-width: 48rem)");
const narrow = signal(phone.matches);
phone.addEventListener("change", ({ matches }) => {
  narrow.value = matches;
});

const first = (): number => (narrow.value ? FIRST.narrow : FIRST.wide);

/** Whether there are rows that the person has not asked for. */
export const isCapped = (count: number, whole: boolean): boolean => !whole && count > first() + SPARE;

interface CappedProps<Item> {
  readonly items: readonly Item[];
  /** Whether all of them are shown; the person says so. */
  readonly whole: Signal<boolean>;
  /** What the rows are, in the plural. */
  readonly name: string;
  readonly children: (shown: readonly Item[]) => ComponentChildren;
}

/** The first rows of a list, and a button that shows the others. */
export function Capped<Item>({ items, whole, name, children }: CappedProps<Item>) {
  const capped = isCapped(items.length, whole.value);
  const isLong = isCapped(items.length, false);
  return (
    <>
      {children(capped ? items.slice(0, first()) : items)}
      {isLong && (
        <p class="more">
          <button
            type="button"
            aria-expanded={!capped}
            onClick={(event) => {
              whole.value = capped;
              // The page shrinks above the button, so the eye is led back to where the list begins.
              if (!capped) event.currentTarget.closest("section")?.scrollIntoView();
            }}
          >
            {capped ? `Show all ${formatCount(items.length)} ${name}` : "Show fewer"}
          </button>
        </p>
      )}
    </>
  );
}
