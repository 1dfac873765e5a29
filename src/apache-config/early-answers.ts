import type { Directive } from "./reader.ts";
import type { Server } from "./servers.ts";

/** More of these in a pattern could take for ever; it is taken for one that holds then. */
const MOST_QUANTIFIERS = 3;

/**
 * Whether these servers may answer 404 or 410 before Apache asks who may come in, as it sends elsewhere: `RedirectMatch 404 /\.git`,
 * `Redirect gone /old`, `RewriteRule ^/x - [R=404]`. `path`: to whoever asks for it; null: for some path.
 */
export const answersEarly = (servers: readonly Server[], path: string | null): boolean =>
  servers.some(({ directives }) => directives.some((each) => isEarly(each, path)));

function isEarly({ name, words, section }: Directive, path: string | null): boolean {
  const [first = "", second] = words;
  if (name === "rewriterule") {
    if (section !== null && section.name !== "virtualhost") return false;
    const flags = (words[2] ?? "").replace(/^\[|\]$/g, "").split(",");
    const has = (flag: RegExp): boolean => flags.some((each) => flag.test(each.trim()));
    return has(/^(R(edirect)?=(404|410)|G|gone)$/i) && matches(first, path, has(/^(NC|nocase)$/i));
  }
  if (!/^redirect(match)?$/.test(name) || !/^(404|410|gone)$/i.test(first)) return false;
  // In a folder's section it comes after that question.
  if (section !== null && !/^(virtualhost|location|locationmatch)$/.test(section.name)) return false;
  if (second === undefined || path === null) return true;
  return name === "redirectmatch" ? matches(second, path) : isBelow(path, second);
}

const isBelow = (path: string, prefix: string): boolean =>
  path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);

/** As far as JavaScript understands the pattern as Apache does. */
function matches(pattern: string, path: string | null, ignoresCase = false): boolean {
  if (path === null || pattern.startsWith("!")) return true;
  if ((pattern.match(/[*+{?]/g) ?? []).length > MOST_QUANTIFIERS) return true;
  try {
    return new RegExp(pattern, ignoresCase ? "i" : "").test(path);
  } catch {
    return true;
  }
}
