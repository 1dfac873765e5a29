import { inAscii } from "../model/safe-text.ts";

/** A CSV that does not have the column that the configuration names. */
export class NoColumn extends Error {}

export interface ColumnReader {
  /** The cell of the wanted column; null for an empty line, a comment and a heading; "" when there is none. */
  cell(line: string): string | null;
  /** True once: for the first line that is no comment, which may be the heading. */
  takesHeading(): boolean;
}

/** Reads one column of CSV, told by its number (from 1) or by its name in the heading. */
export function columnReader(column: number | string, separator: string): ColumnReader {
  let index = typeof column === "number" ? column - 1 : null;
  let isFirst = true;
  const isComment = (line: string): boolean =>
    /^\s*(?:#|$)/.test(line) || (separator !== ";" && /^\s*;/.test(line));
  return {
    cell: (line) => {
      if (isComment(line)) return null;
      const cells = cellsOf(line, separator);
      if (index !== null) return cells[index]?.trim() ?? "";
      // Lines are read as Latin-1, since addresses are ASCII; a name may be more.
      const names = cells.map((name) => Buffer.from(name, "latin1").toString("utf8").trim());
      const found = names.indexOf(String(column));
      if (found === -1) {
        const known = inAscii(names.slice(0, 10).join(", ").slice(0, 200));
        throw new NoColumn(`its first line names no column '${column}', but: ${known}`);
      }
      index = found;
      isFirst = false;
      return null;
    },
    takesHeading: () => {
      const wasFirst = isFirst;
      isFirst = false;
      return wasFirst;
    },
  };
}

/** RFC 4180, a line at a time: a quoted cell that goes on in the next line ends with this one. Linear. */
export function cellsOf(line: string, separator: string): string[] {
  const cells: string[] = [];
  let at = 0;
  while (at <= line.length) {
    let cell = "";
    if (line[at] === '"') {
      at++;
      for (;;) {
        const quote = line.indexOf('"', at);
        if (quote === -1) {
          cell += line.slice(at);
          at = line.length;
          break;
        }
        cell += line.slice(at, quote);
        at = quote + 1;
        if (line[at] !== '"') break;
        cell += '"';
        at++;
      }
    }
    const next = line.indexOf(separator, at);
    const end = next === -1 ? line.length : next;
    cells.push(cell + line.slice(at, end));
    at = end + 1;
  }
  return cells;
}
