import type { Directive, ReadConfig, Section } from "./reader.ts";
import type { Place } from "./words.ts";

/** What of `sekisho apache snippet` is in Apache's configuration already. Paths are Apache's own. */
export interface FoundSnippet {
  /** The ban directory that the snippet's `<If>` looks into; null when there is none. */
  readonly directory: string | null;
  /** The generated list that it includes; null when there is none. */
  readonly includeFile: string | null;
  readonly place: Place | null;
  /** mod_log_debug, which tells of WebSockets when they open. */
  readonly logsOpenings: boolean;
}

/** The snippet as enforce/apache/snippet.ts writes it; only at server level does it hold for all of Apache. */
export function snippetIn(config: ReadConfig): FoundSnippet {
  const { directives, includes } = config;
  const { directory: look } = snippetSections(config);
  const include = includes.findLast(isOurInclude);
  return {
    directory: look === null ? null : banDirectory(look.words.join(" ")),
    includeFile: include?.words[0] ?? null,
    place: look?.place ?? include?.place ?? null,
    logsOpenings: directives.some(
      ({ name, words }) => name === "loadmodule" && words[0] === "log_debug_module",
    ),
  };
}

/** The sections that refuse who is banned. */
export function snippetSections({ sections, includes }: ReadConfig): {
  readonly directory: Section | null;
  readonly include: Section | null;
} {
  const look = sections.find(
    ({ name, words, parent }) => name === "if" && parent === null && banDirectory(words.join(" ")) !== null,
  );
  return { directory: look ?? null, include: includes.findLast(isOurInclude)?.section?.parent ?? null };
}

function banDirectory(condition: string): string | null {
  const path = /-f '([^'%]{1,4096})\/%\{REMOTE_ADDR\}'/.exec(condition)?.[1] ?? "";
  return isOurs(path) ? path : null;
}

/** What the configuration takes as a path for Apache. */
const isOurs = (path: string): boolean =>
  /^\/[A-Za-z0-9/_.+-]*[A-Za-z0-9_.+-]$/.test(path) && !/(^|\/)\.\.?(\/|$)/.test(path);

/** `<If "true"> … <RequireAll> … IncludeOptional FILE`. */
function isOurInclude({ name, words, section }: Directive): boolean {
  const around = section?.name === "requireall" ? section.parent : null;
  const isEverywhere = around?.name === "if" && around.words.join(" ") === "true" && around.parent === null;
  return name === "includeoptional" && isEverywhere && isOurs(words[0] ?? "");
}
