/** Path and parameters of which nothing stands out: these characters only. The expressions have no choice to go back to. */
const PLAIN_PATH = /^(?:\/[\w~\x80-\xff-]+(?:\.[\w~\x80-\xff-]+)*)*\/?$/;
const PLAIN_NAME = /^[\w.[\]-]+$/;
const PLAIN_VALUE = /^[\w .:,+-]*$/;
/** What the box is called into which people type what they search for. */
const SEARCH_NAME = /^(?:q|s|k|w|query|search|search_?query|keywords?|term|text|title)$/i;

/**
 * What somebody searches for, who may search for anything: the value of a parameter that is named as search boxes are, where the
 * path and all other parameters are plain. Null for any other request.
 */
export function searchedIn(path: string, query: string | null): string | null {
  if (query === null || !PLAIN_PATH.test(path)) return null;
  let searched: string | null = null;
  let isPlain = true;
  for (const parameter of query.split("&")) {
    const [name, value] = partsOf(parameter);
    if (value === null || !PLAIN_NAME.test(name)) return null;
    const stands = !PLAIN_VALUE.test(value);
    const isSearch = SEARCH_NAME.test(name);
    // One of them may hold anything, no other.
    if (stands && !(isSearch && isPlain)) return null;
    if (isSearch && isPlain) searched = value;
    if (stands) isPlain = false;
  }
  return searched;
}

function partsOf(parameter: string): readonly [name: string, value: string | null] {
  const at = parameter.indexOf("=");
  return at === -1 ? [parameter, null] : [parameter.slice(0, at), parameter.slice(at + 1)];
}
