import { otherCase } from "./literal-table.ts";

/** Texts of Apache's logs are bytes, as characters. */
const CODES = 256;
/** Of a cell: a literal is there whole. */
const END = 0xffff_ffff;

/** Tells whether a text begins, or ends, with one of many literals: one look-up a character, until none fits any more. */
export class EdgeTable {
  readonly #step: 1 | -1;
  /** Of the literals' characters a class each, from 1 on; 0 for others. */
  readonly #classOf = new Uint16Array(CODES);
  /** The same for characters beyond, which only audit events have. */
  readonly #farClassOf = new Map<number, number>();
  readonly #width: number;
  /** A row for each beginning of a literal, with the row of each class that may come next; 0 where none may. */
  readonly #next: Uint32Array;

  constructor(literals: readonly string[], edge: "prefix" | "suffix", ignoreCase: boolean) {
    this.#step = edge === "prefix" ? 1 : -1;
    const codes = literals.map((literal) => {
      const inOrder = Array.from({ length: literal.length }, (_, at) => literal.charCodeAt(at));
      return edge === "prefix" ? inOrder : inOrder.reverse();
    });
    this.#width = 1 + this.#classify(codes.flat(), ignoreCase);
    this.#next = this.#rowsOf(codes);
  }

  fits(text: string): boolean {
    const step = this.#step;
    let row = 0;
    for (let at = step === 1 ? 0 : text.length - 1; at >= 0 && at < text.length; at += step) {
      const found = this.#classFor(text.charCodeAt(at));
      if (found === 0) return false;
      row = this.#next[row * this.#width + found]!;
      if (row === END) return true;
      if (row === 0) return false;
    }
    return false;
  }

  #classFor(code: number): number {
    return code < CODES ? this.#classOf[code]! : (this.#farClassOf.get(code) ?? 0);
  }

  /** Returns how many classes there are. */
  #classify(codes: readonly number[], ignoreCase: boolean): number {
    let classes = 0;
    for (const code of codes) {
      if (this.#classFor(code) !== 0) continue;
      classes++;
      if (code >= CODES) this.#farClassOf.set(code, classes);
      else for (const each of ignoreCase ? [code, otherCase(code)] : [code]) this.#classOf[each] = classes;
    }
    return classes;
  }

  #rowsOf(literals: readonly (readonly number[])[]): Uint32Array {
    const width = this.#width;
    const next = new Uint32Array((1 + literals.flat().length) * width);
    let rows = 1;
    for (const codes of literals) {
      let row = 0;
      for (const [index, code] of codes.entries()) {
        const cell = row * width + this.#classFor(code);
        // What begins with a shorter literal needs no more rows.
        if (next[cell] === END) break;
        if (index === codes.length - 1) next[cell] = END;
        else if (next[cell] === 0) next[cell] = rows++;
        row = next[cell]!;
      }
    }
    return next.slice(0, rows * width);
  }
}
