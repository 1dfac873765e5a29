/**
 * Control characters, escape sequences and C1 among them, and what changes how text around it is shown: bidirectional
 * overrides, zero-width characters, lone surrogates. An attacker writes them into log lines.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Hostile text of which nothing steers a terminal or turns text around. */
export const withoutUnsafe = (text: string, inPlace: string): string => text.replace(UNSAFE, inPlace);

/** Text from a log, a file or the network, made safe to print on a terminal: `\x1b` is shown, not sent. */
export const printable = (text: string): string =>
  text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0)!;
    if (code > 0xffff) return `\\u{${code.toString(16)}}`;
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });

/** The same of JSON, which says the same afterwards; the line breaks between its parts stay. */
export const printableJson = (json: string): string =>
  json.replace(UNSAFE, (character) =>
    character === "\n"
      ? character
      : character
          .split("")
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
          .join(""),
  );

/** Text for where only visible ASCII may stand. */
export const inAscii = (text: string): string => text.replace(/[^ -~]/g, "?");
