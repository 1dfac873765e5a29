import { type LogicalLine, MAX_EXPANDED } from "./words.ts";

/** `<Macro NAME $a %b @c>` and its lines, as mod_macro keeps them. */
export interface Macro {
  readonly parameters: readonly string[];
  readonly lines: readonly LogicalLine[];
}

/**
 * The macro's lines with each parameter replaced by its argument: the leftmost first, of several there the longest. Names
 * that begin with `@` are replaced by the argument in quotes. Null for a wrong number of arguments, or when a line gets
 * longer than any honest one.
 */
export function expandMacro(macro: Macro, words: readonly string[]): LogicalLine[] | null {
  if (words.length !== macro.parameters.length) return null;
  const replaced = new Map(
    macro.parameters.map((name, index) => {
      const word = words[index]!;
      return [name, name.startsWith("@") ? `"${word.replaceAll('"', '\\"')}"` : word];
    }),
  );
  const names = [...replaced.keys()].sort((a, b) => b.length - a.length);
  if (names.length === 0) return [...macro.lines];
  const parameter = new RegExp(names.map((name) => name.replace(/[^\w]/g, "\\$&")).join("|"), "g");
  const lines = macro.lines.map(({ text, place }) => ({
    text: text.replace(parameter, (name) => replaced.get(name)!),
    place,
  }));
  return lines.some(({ text }) => text.length > MAX_EXPANDED) ? null : lines;
}
