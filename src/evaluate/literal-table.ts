import { SekishoError } from "../model/errors.ts";

/** 32 MiB. The shipped rules need a hundredth of it. */
const MAX_CELLS = 8 << 20;
const CODE_UNITS = 1 << 16;

/**
 * Finds any number of literals in one pass over a text: Aho–Corasick as a dense table. One look-up a character, no going
 * back, and no more of it when there are more literals.
 *
 * Characters are put into classes: one for each that a literal has (both cases in one, when case is ignored), and class 0
 * for all others. `#next[state + class]` is the state after a character; a state is the offset of its row, so states are
 * multiples of the number of classes. A state stands for the longest beginning of a literal that the text so far ends
 * with. Rows in which a literal ends come last: whether something was found is one comparison with `#firstEnd`.
 */
export class LiteralTable {
  readonly #classes = new Uint16Array(CODE_UNITS);
  readonly #next: Uint32Array;
  readonly #width: number;
  readonly #firstEnd: number;
  /** The groups of all literals that end in a state, for the rows from `#firstEnd` on. */
  readonly #ends: readonly (readonly number[])[];

  /** A literal belongs to the group that it is listed in. Their size was checked. */
  constructor(groups: readonly (readonly string[])[], ignoreCase: boolean) {
    this.#width = 1 + this.#classify(groups, ignoreCase);
    const order = inBreadth(trieOf(groups, this.#classes));
    const ends = order.filter(isEnd);
    const rows = [...order.filter((node) => !isEnd(node)), ...ends];
    for (const [row, node] of rows.entries()) node.state = row * this.#width;
    this.#next = new Uint32Array(rows.length * this.#width);
    this.#firstEnd = (rows.length - ends.length) * this.#width;
    this.#ends = ends.map((node) => [...node.groups]);
    // A row begins as a copy of the row to fall back to, which is shorter and so was filled before.
    for (const { state, fallback, children } of order) {
      if (fallback !== null) this.#next.copyWithin(state, fallback.state, fallback.state + this.#width);
      for (const [unit, child] of children) this.#next[state + unit] = child.state;
    }
  }

  /** Gives each character of the literals a class from 1 on, and returns how many there are. */
  #classify(groups: readonly (readonly string[])[], ignoreCase: boolean): number {
    let count = 0;
    for (const literal of groups.flat()) {
      for (let at = 0; at < literal.length; at++) {
        const unit = literal.charCodeAt(at);
        if (this.#classes[unit] !== 0) continue;
        this.#classes[unit] = ++count;
        if (ignoreCase) this.#classes[otherCase(unit)] = count;
      }
    }
    return count;
  }

  /** Sets `found[group]` to 1 for each group that the text has a literal of, and adds those that were not set to `groups`. */
  search(text: string, found: Uint8Array, groups: number[]): void {
    const classes = this.#classes;
    const next = this.#next;
    const firstEnd = this.#firstEnd;
    let state = 0;
    for (let at = 0; at < text.length; at++) {
      state = next[state + classes[text.charCodeAt(at)]!]!;
      if (state < firstEnd) continue;
      for (const group of this.#ends[(state - firstEnd) / this.#width]!) {
        if (found[group] === 1) continue;
        found[group] = 1;
        groups.push(group);
      }
    }
  }
}

/** Throws RULE_INVALID when the table of these literals would become too large. */
export function checkSize(groups: readonly (readonly string[])[]): void {
  const literals = groups.flat();
  const length = literals.reduce((sum, literal) => sum + literal.length, 0);
  // An upper bound: with case ignored two characters have one class.
  const characters = new Set(literals.join("")).size;
  if ((1 + length) * (1 + characters) <= MAX_CELLS) return;
  throw new SekishoError(
    "RULE_INVALID",
    `rules look for too many texts in one field: ${length} characters, ${characters} different ones`,
    "shorten what `contains` lists",
  );
}

/** Only ASCII: texts are bytes, and a byte above is a part of some character. */
export function otherCase(unit: number): number {
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x7a ? unit ^ 0x20 : unit;
}

export interface TrieNode {
  /** By class. */
  readonly children: Map<number, TrieNode>;
  readonly groups: Set<number>;
  /** The node of the longest end of this beginning that is a beginning too; null for the root. */
  fallback: TrieNode | null;
  state: number;
}

const newNode = (): TrieNode => ({ children: new Map(), groups: new Set(), fallback: null, state: 0 });
export const isEnd = ({ groups }: TrieNode): boolean => groups.size > 0;

/** All beginnings of literals, by the classes of their characters. */
export function trieOf(groups: readonly (readonly string[])[], classes: Uint16Array): TrieNode {
  const root = newNode();
  for (const [group, literals] of groups.entries()) {
    for (const literal of literals) {
      let node = root;
      for (let at = 0; at < literal.length; at++) {
        const unit = classes[literal.charCodeAt(at)]!;
        let child = node.children.get(unit);
        if (child === undefined) {
          child = newNode();
          node.children.set(unit, child);
        }
        node = child;
      }
      node.groups.add(group);
    }
  }
  return root;
}

/** All nodes, the shorter beginnings first, each with its fallback and with the groups of all literals that end there. */
export function inBreadth(root: TrieNode): TrieNode[] {
  const order = [root];
  for (const node of order) {
    for (const [unit, child] of node.children) {
      child.fallback = fallbackOf(node, unit) ?? root;
      for (const group of child.fallback.groups) child.groups.add(group);
      order.push(child);
    }
  }
  return order;
}

function fallbackOf(parent: TrieNode, unit: number): TrieNode | null {
  for (let node = parent.fallback; node !== null; node = node.fallback) {
    const child = node.children.get(unit);
    if (child !== undefined) return child;
  }
  return null;
}
