/** Control characters, and what changes how text around it is shown. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Hostile text of which nothing steers a terminal or turns text around. */
export const withoutUnsafe = (text: string, inPlace: string): string => text.replace(UNSAFE, inPlace);

/** Text for where only visible ASCII may stand. */
export const inAscii = (text: string): string => text.replace(/[^ -~]/g, "?");
