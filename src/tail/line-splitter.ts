import { type ReadLines, split } from "./line-reader.ts";
import { type FittedLine, fitted, LINE_LENGTH, LONGEST_LINE } from "./long-line.ts";

type Lines = Pick<ReadLines, "lines" | "cut">;

const NOT_CUT: ReadonlySet<number> = new Set();

/** Whole lines from chunks that come one after the other. Of a line no more is kept than the longest may have. */
export class LineSplitter {
  #unfinished = "";
  /** In the middle of a line that was cut: the rest up to its newline is passed over. */
  #passingOver: boolean;
  #given: number;

  /** Chunks come from `offset` on; `inLine` when that is in the middle of a line, whose rest is passed over. */
  constructor(offset = 0, inLine = false) {
    this.#given = offset;
    this.#passingOver = inLine;
  }

  /** Where the unfinished line begins: all before it has been given out. */
  get offset(): number {
    return this.#given - this.#unfinished.length;
  }

  add(chunk: Buffer): Lines {
    this.#given += chunk.length;
    let text = chunk.toString("latin1");
    if (this.#passingOver) {
      const end = text.indexOf("\n");
      if (end === -1) return { lines: [], cut: NOT_CUT };
      this.#passingOver = false;
      text = text.slice(end + 1);
    }
    const end = text.lastIndexOf("\n");
    const whole =
      end === -1 ? [] : split(this.#unfinished + text.slice(0, end), Number.POSITIVE_INFINITY).lines;
    this.#unfinished = end === -1 ? this.#unfinished + text : text.slice(end + 1);
    const cut = new Set<number>();
    for (const [at, line] of whole.entries()) {
      if (line.length < LINE_LENGTH) continue;
      const short = fitted(line);
      whole[at] = short.line;
      if (short.isCut) cut.add(at);
    }
    if (this.#unfinished.length >= LONGEST_LINE) {
      cut.add(whole.length);
      whole.push(this.#unfinished.slice(0, LINE_LENGTH));
      this.#unfinished = "";
      this.#passingOver = true;
    }
    return { lines: whole, cut: cut.size === 0 ? NOT_CUT : cut };
  }

  /** How much stands behind the last newline. */
  get unfinished(): number {
    return this.#unfinished.length;
  }

  /** Gives out what stands behind the last newline, as nothing will follow. */
  finish(): FittedLine {
    const rest = fitted(this.#unfinished);
    this.#unfinished = "";
    return rest;
  }
}
