export const hasWildcard = (text: string): boolean => /[*?[]/.test(text);

/**
 * True when a file's name matches a pattern of `*`, `?` and `[…]`, as apr_fnmatch has it: a dot that begins a name is matched
 * by a dot only. Takes time linear in the name for each star at most, whatever the pattern.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  const parts = patternParts(pattern);
  let part = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const expected = parts[part];
    if (expected === "star") {
      star = part++;
      starAt = at;
    } else if (expected?.(name[at]!) === true) {
      part++;
      at++;
    } else if (star !== -1) {
      part = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (parts[part] === "star") part++;
  return part === parts.length;
}

type Part = "star" | ((character: string) => boolean);

function patternParts(pattern: string): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    const close = character === "[" ? pattern.indexOf("]", at + 2) : -1;
    if (character === "*") {
      if (parts.at(-1) !== "star") parts.push("star");
    } else if (character === "?") parts.push(() => true);
    else if (close !== -1) {
      parts.push(characterClass(pattern.slice(at + 1, close)));
      at = close;
    } else {
      const literal = character === "\\" ? (pattern[++at] ?? "\\") : character;
      parts.push((each) => each === literal);
    }
  }
  return parts;
}

function characterClass(body: string): (character: string) => boolean {
  const negated = body.startsWith("!") || body.startsWith("^");
  const members = negated ? body.slice(1) : body;
  return (character) => {
    let inside = false;
    for (let at = 0; at < members.length && !inside; at++) {
      const isRange = members[at + 1] === "-" && at + 2 < members.length;
      inside = isRange
        ? members[at]! <= character && character <= members[at + 2]!
        : members[at] === character;
      if (isRange) at += 2;
    }
    return inside !== negated;
  };
}
