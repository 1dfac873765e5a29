import type { Block } from "./decision.ts";
import type { Target } from "./ip.ts";

/** How one list of blocks differs from the one before, by target. */
export interface BlockChanges {
  /** No longer asked for. */
  readonly gone: ReadonlyMap<Target, Block>;
  /** New, or asked for until another time or by another list. */
  readonly come: ReadonlyMap<Target, Block>;
}

/** For each block of both lists so many looks at most, to find where the lists meet again: it bounds the time. */
const LOOKS = 8;

/**
 * What differs between two lists that name each target once. Whoever leaves blocks in their order, and the same object where
 * nothing changed, pays for what changed and for one comparison of each: so one more ban costs little among half a million.
 * For lists in any other order the answer is the same, but takes longer.
 */
export function changedBlocks(before: readonly Block[], after: readonly Block[]): BlockChanges {
  const gone = new Map<Target, Block>();
  const come = new Map<Target, Block>();
  let looks = LOOKS * (before.length + after.length);
  let from = 0;
  let to = 0;
  while (from < before.length && to < after.length) {
    const was = before[from]!;
    const is = after[to]!;
    if (was === is) {
      from++;
      to++;
      continue;
    }
    const { left, added, looked } =
      was.target === is.target ? REPLACED : untilTheyMeet(before, from, after, to, looks);
    looks -= looked;
    for (let count = 0; count < left; count++, from++) gone.set(before[from]!.target, before[from]!);
    for (let count = 0; count < added; count++, to++) come.set(after[to]!.target, after[to]!);
  }
  for (; from < before.length; from++) gone.set(before[from]!.target, before[from]!);
  for (; to < after.length; to++) come.set(after[to]!.target, after[to]!);
  forgetMoved(gone, come);
  return { gone, come };
}

interface Step {
  /** Blocks that are only in the list before, and only in the one after. */
  readonly left: number;
  readonly added: number;
  readonly looked: number;
}
const REPLACED: Step = { left: 1, added: 1, looked: 0 };

/** Either list may go on where the other one is; where neither does, one block took the place of another. */
function untilTheyMeet(
  before: readonly Block[],
  from: number,
  after: readonly Block[],
  to: number,
  looks: number,
): Step {
  const was = before[from];
  const is = after[to];
  const most = Math.min(looks, Math.max(before.length - from, after.length - to) - 1);
  for (let by = 1; by <= most; by++) {
    if (before[from + by] === is) return { left: by, added: 0, looked: by };
    if (after[to + by] === was) return { left: 0, added: by, looked: by };
  }
  return { ...REPLACED, looked: Math.max(0, most) };
}

/** What is in both lists only moved, which is no change, or got another end. */
function forgetMoved(gone: Map<Target, Block>, come: Map<Target, Block>): void {
  for (const [target, was] of gone) {
    const is = come.get(target);
    if (is === undefined) continue;
    gone.delete(target);
    if (is.until === was.until && is.list === was.list) come.delete(target);
  }
}
