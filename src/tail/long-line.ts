/** The longest line that is handed on. */
export const LINE_LENGTH = 1 << 20;
/** A longer line than this is not read to its end. */
export const LONGEST_LINE = 8 << 20;
/** Of a value that is shortened this much stays at least. */
const LEAST_KEPT = 1 << 15;
/** More than any format has. */
const MOST_VALUES = 256;
/** Without a space or a quote, so that it moves no value. */
const MARK = "[cut]";
const [TAB, QUOTE, BACKSLASH] = [9, 34, 92];
/** Characters of the longest escape behind its backslash: JSON's `\u00e9`. */
const ESCAPE_LENGTH = 5;

/** A part of a line, from where to where. */
type Part = readonly [start: number, end: number];

export interface FittedLine {
  readonly line: string;
  /** Its end is missing. */
  readonly isCut: boolean;
}

/**
 * The line as it is where it is not longer than what is handed on. Else its longest values lose their middle, so that what
 * stands behind a request of megabytes, as its status, keeps its place. Where that is not enough the line is cut.
 */
export function fitted(line: string): FittedLine {
  let excess = line.length - LINE_LENGTH + 1;
  if (excess <= 0) return { line, isCut: false };
  const gaps: Part[] = [];
  for (const [start, end] of valuesOf(line).sort((a, b) => lengthOf(b) - lengthOf(a))) {
    const most = lengthOf([start, end]) - LEAST_KEPT;
    if (excess <= 0 || most <= MARK.length) break;
    const length = Math.min(most, excess + MARK.length);
    const from = start + ((end - start - length) >> 1);
    gaps.push(betweenEscapes(line, [from, from + length]));
    excess -= length - MARK.length;
  }
  if (excess > 0) return { line: line.slice(0, LINE_LENGTH), isCut: true };
  let at = 0;
  let text = "";
  for (const [from, to] of gaps.sort(([a], [b]) => a - b)) {
    text += line.slice(at, from) + MARK;
    at = to;
  }
  return { line: text + line.slice(at), isCut: false };
}

const lengthOf = ([start, end]: Part): number => end - start;

/** What stands between quotes and tabs that are not escaped: Apache escapes both in values. None where they are very many. */
function valuesOf(line: string): Part[] {
  const values: Part[] = [];
  let start = 0;
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code === BACKSLASH) at++;
    if (code !== QUOTE && code !== TAB) continue;
    values.push([start, at]);
    start = at + 1;
    if (values.length === MOST_VALUES) return [];
  }
  return [...values, [start, line.length]];
}

/** A gap that leaves no half of an escape before it, whose backslash would take the mark, nor an escaped quote behind it. */
function betweenEscapes(line: string, [from, to]: Part): Part {
  const end = isEscaped(line, to) ? to + 1 : to;
  for (let at = from - 1; at >= from - ESCAPE_LENGTH; at--)
    if (line.charCodeAt(at) === BACKSLASH && !isEscaped(line, at)) return [at, end];
  return [from, end];
}

/** An odd number of backslashes before a character escapes it. */
function isEscaped(line: string, at: number): boolean {
  let first = at;
  while (first > 0 && line.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
