import { printable } from "../model/safe-text.ts";
import type { CliContext } from "./context.ts";
import { painter, type Style } from "./output.ts";

export interface Cell {
  readonly text: string;
  readonly style?: Style;
  readonly right?: boolean;
  /** Of a path the end says more, so it is cut in front. */
  readonly keepsEnd?: boolean;
}
type Row = readonly (string | Cell)[];

/** Which columns give way, by their numbers, where a table is wider than the terminal. */
export interface Fit {
  /** Left out one after the other, while the rest would not fit though it were cut. */
  readonly drop?: readonly number[];
  /** Cut, the widest first. */
  readonly cut: readonly number[];
  /** No column is cut to less. */
  readonly least?: number;
}
const KEEPS_ALL: Fit = { cut: [] };

const BETWEEN = "  ";
/** Of what stands below a title; there is always room for it. */
const INDENT = "  ";
const LEAST = 8;

/** Columns as wide as their widest cell, two spaces apart; every cell is made printable. On a terminal they fit its width. */
export function table(context: CliContext, rows: readonly Row[], fit = KEEPS_ALL): string {
  const paint = painter(context);
  const cells = rows.map((row) =>
    row.map((cell) => {
      const { text, ...rest }: Cell = typeof cell === "string" ? { text: cell } : cell;
      return { text: printable(text), ...rest };
    }),
  );
  const natural: number[] = [];
  for (const row of cells) {
    for (const [column, { text }] of row.entries())
      natural[column] = Math.max(natural[column] ?? 0, widthOf(text));
  }
  const widths = fitting(natural, (context.columns ?? Number.POSITIVE_INFINITY) - INDENT.length, fit);
  const lines = cells.map((row) =>
    row
      .flatMap(({ text, style, right, keepsEnd = false }, column) => {
        const width = widths[column];
        if (width == null) return [];
        const shown = cutTo(width, text, keepsEnd);
        const space = " ".repeat(width - widthOf(shown));
        const painted = style === undefined ? shown : paint(style, shown);
        return right ? space + painted : painted + space;
      })
      .join(BETWEEN)
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** Null for a column that is left out. */
function fitting(
  natural: readonly number[],
  room: number,
  { drop = [], cut, least = LEAST }: Fit,
): (number | null)[] {
  const widths: (number | null)[] = [...natural];
  const over = (): number => {
    const there = widths.filter((width) => width !== null);
    return there.reduce((sum, width) => sum + width + BETWEEN.length, -BETWEEN.length) - room;
  };
  const spare = (column: number): number => Math.max(0, (widths[column] ?? 0) - least);
  const allSpare = (): number => cut.reduce((sum, column) => sum + spare(column), 0);
  for (const column of drop) if (over() > allSpare()) widths[column] = null;
  for (let left = Math.min(over(), allSpare()); left > 0; left--) {
    const widest = cut.reduce((most, column) => (spare(column) > spare(most) ? column : most));
    widths[widest]!--;
  }
  return widths;
}

/** Characters of East Asian scripts, and emoji, take two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}

function cutTo(width: number, text: string, keepsEnd: boolean): string {
  if (widthOf(text) <= width) return text;
  const characters = keepsEnd ? [...text].reverse() : [...text];
  let room = width - 1;
  const end = characters.findIndex((character) => {
    room -= widthOf(character);
    return room < 0;
  });
  const kept = characters.slice(0, end);
  return keepsEnd ? `…${kept.reverse().join("")}` : `${kept.join("")}…`;
}

/** The first row of a table: what stands in its columns. */
export const heads = (...columns: readonly (string | Cell)[]): Cell[] =>
  columns.map((head) => ({ ...(typeof head === "string" ? { text: head } : head), style: "bold" }));

/** Lines below a title. */
export const indented = (text: string): string => text.replace(/^(?=.)/gm, INDENT);
