import { LINE_LENGTH, type ReadLines, split } from "./line-reader.ts";

type Lines = Pick<ReadLines, "lines" | "cut">;

const NOT_CUT: ReadonlySet<number> = new Set();

/** Whole lines from chunks that come one after the other. However long a line is, no more than its beginning is kept. */
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
    if (this.#unfinished.length >= LINE_LENGTH) {
      cut.add(whole.length);
      whole.push(this.#unfinished);
      this.#unfinished = "";
      this.#passingOver = true;
    }
    for (const [at, line] of whole.entries()) {
      if (line.length < LINE_LENGTH) continue;
      cut.add(at);
      whole[at] = line.slice(0, LINE_LENGTH);
    }
    return { lines: whole, cut: cut.size === 0 ? NOT_CUT : cut };
  }

  /** What stands behind the last newline. */
  get unfinished(): string {
    return this.#unfinished;
  }

  /** Gives out what stands behind the last newline, as nothing will follow. */
  finish(): string {
    const rest = this.#unfinished;
    this.#unfinished = "";
    return rest;
  }
}
