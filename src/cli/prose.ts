/** Prose in lines of 80 characters at most: the first begins with `head`, the others with so many spaces. */
export function wrapped(head: string, text: string, indent: number): string[] {
  const [first = "", ...words] = text.split(" ");
  const lines = [head + first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (longer.length <= 80) lines[lines.length - 1] = longer;
    else lines.push(" ".repeat(indent) + word);
  }
  return lines;
}

/** A text that may be folded over lines in its file. */
export const oneLine = (text: string): string => text.trim().replace(/\s+/g, " ");
