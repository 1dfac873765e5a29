/**
 * What an attacker wrote must not be able to hide, reorder or imitate: control characters, marks that are not
 * seen (zero width, bidirectional control, tags), odd spaces, unassigned and private characters, lone
 * surrogates and piles of combining marks are shown by their number.
 */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}|(?<=\p{M}{2})\p{M}|[\u2800\u3164]/gu;

export interface Piece {
  readonly text: string;
  /** The character in the usual notation (`U+202E`) where `text` stands for a hidden one, else null. */
  readonly codePoint: string | null;
}

/** Splits text into what is shown as it is and the hidden characters, written `\x1b` or `\u{202e}`. */
export function visiblePieces(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const { 0: character, index } of text.matchAll(HIDDEN)) {
    if (index > end) pieces.push({ text: text.slice(end, index), codePoint: null });
    pieces.push(hidden(character.codePointAt(0)!));
    end = index + character.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), codePoint: null });
  return pieces;
}

function hidden(code: number): Piece {
  const hex = code.toString(16);
  return {
    text: code <= 0xff ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`,
    codePoint: `U+${hex.toUpperCase().padStart(4, "0")}`,
  };
}
