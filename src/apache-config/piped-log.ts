import { basename, dirname } from "node:path";
import { wordsOf } from "./words.ts";

/** Where a log goes. A path may hold stars for what a rotating program puts into it. */
export type LogTarget =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "elsewhere"; readonly why: string; readonly hint: string };

const TO_A_FILE = "let Apache write a file of its own beside it, and run this again";

/** Options of rotatelogs and cronolog that take a word. */
const ROTATELOGS_VALUES = "Lpn";
const CRONOLOG_VALUES = "HPSlLk";

/** A `%Y` of strftime, with its flags; what Apache's own logs have in their names otherwise is literal. */
const TIME_PATTERN = /%[-_0^#EO]*[a-zA-Z+]/g;

/** What the first word of an ErrorLog, CustomLog, TransferLog or GlobalLog means. Paths are as written. */
export function logTarget(word: string): LogTarget {
  if (word.startsWith("|")) return pipedLog(word);
  if (/^syslog(:|$)/.test(word)) return elsewhere("goes to syslog");
  if (/^journald?(:|$)/.test(word)) return elsewhere("goes to the journal");
  if (/^\/dev\/(stdout|stderr|fd\/\d+)$|^\/proc\/(self|\d+)\/fd\/\d+$/.test(word))
    return elsewhere("goes to Apache's standard output or error");
  if (word === "/dev/null") return { kind: "elsewhere", why: "is thrown away", hint: TO_A_FILE };
  if (/\$\{[^}]*\}/.test(word))
    return elsewhere("has a variable that is not defined where Apache's start was looked for");
  return word === "" ? elsewhere("names no file") : fileTarget(word);
}

const elsewhere = (why: string): LogTarget => ({ kind: "elsewhere", why, hint: TO_A_FILE });

/** A file, unless its path is none that our configuration can hold. */
export function fileTarget(path: string): LogTarget {
  // Which our configuration refuses, as no folders at any depth are meant.
  if (path.split("/").includes("**")) return elsewhere("has a folder that is called **");
  // Control characters, and what was no UTF-8.
  if (/[\u0000-\u001f\u007f\ufffd]/.test(path))
    return elsewhere("has a name that cannot be written in UTF-8 text");
  return { kind: "file", path };
}

/** `|program …` and `||program …` run without a shell, `|$…` with one. */
function pipedLog(word: string): LogTarget {
  const [program = "", ...words] = wordsOf(word.replace(/^\|[|$]?/, ""));
  const name = basename(program);
  if (name === "rotatelogs") return rotatelogs(words);
  if (name === "cronolog") return cronolog(words);
  return elsewhere(`is piped to ${name === "" ? "nothing" : name}, and where that writes is not known`);
}

/** `rotatelogs [options] FILE TIME|SIZE [OFFSET]` */
function rotatelogs(words: readonly string[]): LogTarget {
  const { options, rest } = optionsOf(words, ROTATELOGS_VALUES);
  const [template] = rest;
  if (template === undefined) return elsewhere("is piped to rotatelogs, which is told no file");
  // Without a pattern the seconds of its beginning are put behind the name; -n puts .1, .2 and so on behind all but one.
  const behind = options.has("t") ? "" : options.has("n") ? "*" : ".*";
  const changing = template.replace(TIME_PATTERN, "*");
  const path = changing === template ? `${template}${behind}` : options.has("n") ? `${changing}*` : changing;
  return orLink(path, options.get("L"));
}

/** `cronolog [options] TEMPLATE` */
function cronolog(words: readonly string[]): LogTarget {
  const { options, rest } = optionsOf(words.map(shortOption), CRONOLOG_VALUES);
  const [template] = rest;
  if (template === undefined) return elsewhere("is piped to cronolog, which is told no file");
  return orLink(
    template.replace(TIME_PATTERN, "*"),
    options.get("S") ?? options.get("l") ?? options.get("H"),
  );
}

const shortOption = (word: string): string =>
  word
    .replace(/^--(symlink|link)=?/, "-S")
    .replace(/^--hardlink=?/, "-H")
    .replace(/^--(prev-symlink|period)=?/, "-P");

/** A link to the newest file is better than a folder whose name changes: each file in such is a log of its own. */
function orLink(pattern: string, link: string | undefined): LogTarget {
  const path = pattern.replace(/\*{2,}/g, "*").replaceAll("%%", "%");
  return fileTarget(link !== undefined && dirname(path).includes("*") ? link : path);
}

function optionsOf(words: readonly string[], withValue: string) {
  const options = new Map<string, string>();
  let at = 0;
  for (; words[at]?.startsWith("-") === true && words[at] !== "-"; at++) {
    for (const [index, letter] of [...words[at]!.slice(1)].entries()) {
      const takes = withValue.includes(letter);
      const attached = words[at]!.slice(index + 2);
      options.set(letter, takes ? attached || (words[++at] ?? "") : "");
      if (takes) break;
    }
  }
  return { options, rest: words.slice(at) };
}
