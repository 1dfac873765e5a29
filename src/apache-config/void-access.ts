import { AccessReader, deniesAll, grantsAll, isContainer, type Requirement } from "./access.ts";
import type { ReadConfig, ReadProblem, Section } from "./reader.ts";
import { snippetSections } from "./snippet.ts";

/** More would be shown to nobody. */
const MAX_FOUND = 100;
/** With sections of their own, and sections of one; keeps the comparison of each with each from taking for ever. */
const MAX_VHOSTS = 1_000;
const MAX_SECTIONS = 300;

/** Restrictions of the site's own that have no effect, as Apache reads them. Each kind was tried on a real Apache. */
export function voidAccessOf(config: ReadConfig): ReadProblem[] {
  const reader = new AccessReader(config);
  const { directory, include } = snippetSections(config);
  const written = config.sections.flatMap((section) => {
    if (section === directory || section === include || isContainer(section)) return [];
    const { requires, merging } = reader.of(section);
    return requires === null ? [] : [{ section, requires, replaces: merging === "off" }];
  });
  const found = [...written.flatMap(({ requires }) => idleIn(requires)), ...reopened(config, written)];
  return found.slice(0, MAX_FOUND);
}

/** `Require all denied` and `Require all granted` beside others of which one is enough. */
function idleIn(requirement: Requirement): ReadProblem[] {
  if (requirement.kind === "require") return [];
  const { kind, parts } = requirement;
  const found = parts.flatMap(idleIn);
  if (kind !== "any" || parts.length < 2) return found;
  const isEach = (test: (part: Requirement) => boolean): boolean => parts.every(test);
  const lines = parts.flatMap((part) => (part.kind === "require" ? [part] : []));
  const denial = isEach(deniesAll) ? undefined : lines.find(deniesAll);
  const grant = isEach(grantsAll) ? undefined : lines.find(grantsAll);
  if (grant !== undefined) found.push({ place: grant.directive.place, ...GRANT });
  else if (denial !== undefined) found.push({ place: denial.directive.place, ...DENIAL });
  return found;
}

const GRANT = {
  message: "Require all granted lets everybody in: of several Require lines one is enough",
  hint: "take it away, or put the lines that all have to hold into <RequireAll>",
};
const DENIAL = {
  message: "Require all denied does nothing here: of several Require lines one is enough",
  hint: "take it away: whom none of the other lines names is refused without it. To refuse everybody, take the others away",
};

interface Written {
  readonly section: Section;
  readonly requires: Requirement;
  /** In the place of what was said before. */
  readonly replaces: boolean;
}

/** Places that one `<Location>` closes and a later one, for a place that holds them, opens again. */
function reopened({ sections }: ReadConfig, written: readonly Written[]): ReadProblem[] {
  const within = Map.groupBy(written, ({ section }) => section.parent);
  const vhosts = sections.filter((section) => section.name === "virtualhost" && within.has(section));
  const problems = new Map<Section, ReadProblem>();
  // What stands at server level is read first in each vhost.
  const locationsOf = (vhost: Section | null) =>
    (within.get(vhost) ?? []).filter(({ section }) => isLocation(section)).slice(0, MAX_SECTIONS);
  const main = locationsOf(null);
  for (const vhost of [null, ...vhosts].slice(0, MAX_VHOSTS)) {
    const merged = vhost === null ? main : [...main, ...locationsOf(vhost)];
    for (const [at, closed] of merged.entries()) {
      const opening = openingAfter(merged.slice(at + 1), closed);
      if (opening !== null) problems.set(opening, reopening(opening, closed.section));
    }
  }
  return [...problems.values()];
}

/** The later section that opens all of what `closed` closes; null where there is none, or where only Apache can tell. */
function openingAfter(later: readonly Written[], closed: Written): Section | null {
  const path = pathOf(closed.section);
  if (path === null || grantsAll(closed.requires)) return null;
  let opening: Section | null = null;
  for (const { section, requires, replaces } of later) {
    if (!replaces) continue;
    if (pathOf(section) === null) opening = mayHold(section, path) && !grantsAll(requires) ? null : opening;
    else if (covers(section, path)) opening = grantsAll(requires) ? section : null;
  }
  return opening;
}

function reopening(section: Section, closed: Section): ReadProblem {
  const { file, line } = closed.place;
  return {
    place: section.place,
    message: `<Location ${pathOf(section)}> lets everybody in and counts in the place of <Location ${pathOf(closed)}> (${file}:${line}), which closes a part of it`,
    hint: "of all <Location> sections for a request the last one counts: write this one before the other",
  };
}

const isLocation = ({ name }: Section): boolean =>
  ["location", "locationmatch", "if", "elseif", "else"].includes(name);

/** `/ws` of `<Location /ws>`; null for patterns, and for what a reader cannot tell. */
function pathOf({ name, words, parent }: Section): string | null {
  const isPlain =
    name === "location" && words.length === 1 && (parent === null || parent.name === "virtualhost");
  const path = words[0] ?? "";
  return isPlain && path.startsWith("/") && !/[*?[]/.test(path) ? path : null;
}

/** Whether a pattern may hold for the path: told by the letters that it begins with. A condition may always. */
function mayHold({ name, words }: Section, path: string): boolean {
  const literal = name.startsWith("location")
    ? (/^\^([\w/-]*)(?![*?{])/.exec(words.at(-1) ?? "")?.[1] ?? "")
    : "";
  return path.startsWith(literal) || literal.startsWith(path);
}

/** `<Location /ws>` holds /ws and /ws/x, not /ws3. */
function covers(section: Section, path: string): boolean {
  const holder = pathOf(section)!;
  return path === holder || path.startsWith(holder.endsWith("/") ? holder : `${holder}/`);
}
