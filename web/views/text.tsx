import { visiblePieces } from "../visible-text.ts";

/** Text that somebody else wrote. Only text nodes are made of it, and hidden characters are shown. */
export function Text({ value }: { readonly value: string }) {
  return (
    <span class="foreign">
      {visiblePieces(value).map((piece) =>
        piece.codePoint === null ? (
          piece.text
        ) : (
          <span class="hidden-character" title={piece.codePoint}>
            {piece.text}
          </span>
        ),
      )}
    </span>
  );
}
