/** Where something stands in Apache's configuration. */
export interface Place {
  readonly file: string;
  /** Counted from 1; of a continued line its first. */
  readonly line: number;
}

/** One line as Apache reads it, continuations joined and the space around it gone. */
export interface LogicalLine {
  readonly text: string;
  readonly place: Place;
}

/**
 * A file's lines that say something. A backslash continues a line only where it is its very last character, and does so in
 * a comment too, as in ap_cfg_getline.
 */
export function* logicalLines(text: string, file: string): Generator<LogicalLine> {
  let joined = "";
  let first = 0;
  let line = 0;
  for (let start = 0; start <= text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const raw = text.slice(start, end).replace(/\r$/, "");
    start = end + 1;
    line++;
    if (joined === "") first = line;
    if (raw.endsWith("\\") && newline !== -1) {
      joined += raw.slice(0, -1);
      continue;
    }
    const whole = trimmed(joined + raw);
    joined = "";
    if (whole !== "" && !whole.startsWith("#")) yield { text: whole, place: { file, line: first } };
  }
}

/** C's isspace, which is not JavaScript's: a no-break space is part of a word. */
const isSpace = (character: string | undefined): boolean =>
  character !== undefined && " \t\n\v\f\r".includes(character);

function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text[start])) start++;
  while (end > start && isSpace(text[end - 1])) end--;
  return text.slice(start, end);
}

/** The first word of a line and what stands behind it, as ap_getword_conf takes it. */
export function firstWord(text: string): readonly [word: string, rest: string] {
  let start = 0;
  while (isSpace(text[start])) start++;
  const quote = text[start];
  const quoted = quote === '"' || quote === "'";
  let at = quoted ? start + 1 : start;
  let word = "";
  for (let from = at; ; at++) {
    const character = text[at];
    const ends =
      character === undefined || (quoted ? character === quote : character !== "\\" && isSpace(character));
    if (ends) {
      word += text.slice(from, at);
      break;
    }
    const next = text[at + 1];
    if (character === "\\" && (next === "\\" || (quoted && next === quote))) {
      word += text.slice(from, at);
      from = ++at;
    }
  }
  let rest = quoted ? at + 1 : at;
  while (isSpace(text[rest])) rest++;
  return [word, text.slice(rest)];
}

/** More words than any honest line has. */
const MAX_WORDS = 10_000;

export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (let rest = text; rest !== "" && words.length < MAX_WORDS; ) {
    const [word, behind] = firstWord(rest);
    words.push(word);
    rest = behind;
  }
  return words;
}

/** What a line may grow to by variables and macros: each can double what the one before it holds. */
export const MAX_EXPANDED = 65_536;

/**
 * `${NAME}` replaced by its value. A name that is not known stays as it stands, as with Apache. Null when the text gets longer
 * than any honest line.
 */
export function expand(text: string, lookUp: (name: string) => string | undefined): string | null {
  let expanded = "";
  let from = 0;
  for (;;) {
    const open = text.indexOf("${", from);
    const close = open === -1 ? -1 : text.indexOf("}", open);
    if (close === -1) {
      expanded += text.slice(from);
      return expanded.length > MAX_EXPANDED ? null : expanded;
    }
    const value = lookUp(text.slice(open + 2, close));
    expanded += text.slice(from, open) + (value ?? text.slice(open, close + 1));
    from = close + 1;
    if (expanded.length > MAX_EXPANDED) return null;
  }
}
