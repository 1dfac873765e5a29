import type { LogEvent } from "../model/event.ts";
import { isDecoded } from "./condition.ts";
import { slashes } from "./decode.ts";
import type { FieldName } from "./fields.ts";
import type { Read } from "./read-field.ts";
import type { Condition, MatcherSpec, NamedRule } from "./rule-schema.ts";
import type { TextViews } from "./text-views.ts";

/** A text that has a name, and where it is looked for. */
interface Named {
  readonly read: Read;
  readonly text: string;
  readonly ignoreCase: boolean;
  readonly name: string;
}

/** Tells of a hit what the text that made it one is called, the longest of several; null when it has no name. */
export function textNamer({ spec, names }: NamedRule, views: TextViews): (event: LogEvent) => string | null {
  if (names === undefined || names.size === 0) return () => null;
  const named = [...namedIn(spec.match, names, views)].sort((a, b) => b.text.length - a.text.length);
  return (event) => {
    const inLowerCase = new Map<Read, string>();
    const isThere = ({ read, text, ignoreCase }: Named): boolean => {
      const value = read(event);
      if (typeof value !== "string") return false;
      if (!ignoreCase) return value.includes(text);
      const lower = inLowerCase.get(read) ?? value.toLowerCase();
      inLowerCase.set(read, lower);
      return lower.includes(text);
    };
    return named.find(isThere)?.name ?? null;
  };
}

function* namedIn(
  matcher: MatcherSpec,
  names: ReadonlyMap<string, string>,
  views: TextViews,
): Iterable<Named> {
  for (const [key, value] of Object.entries(matcher)) {
    if (value === undefined || key === "client" || key === "not") continue;
    if (key === "all" || key === "any") {
      for (const part of value as readonly MatcherSpec[]) yield* namedIn(part, names, views);
      continue;
    }
    const condition = value as Condition;
    if (typeof condition !== "object" || !("contains" in condition)) continue;
    const { read } = views.view(key as FieldName, isDecoded(condition));
    const ignoreCase = condition.ignoreCase === true;
    for (const text of [condition.contains].flat() as readonly string[]) {
      const name = names.get(text);
      const form = isDecoded(condition) ? slashes(text) : text;
      if (name !== undefined) yield { read, text: ignoreCase ? form.toLowerCase() : form, ignoreCase, name };
    }
  }
}
