import { type Access, AccessReader, deniesAll } from "./access.ts";
import type { Directive, ReadConfig, ReadProblem, Section } from "./reader.ts";
import type { Server } from "./servers.ts";
import { snippetSections } from "./snippet.ts";

/** Sections with a condition are merged after all others: those at server level in their order, then those in other sections. */
const CONDITIONAL_SECTIONS = ["if", "elseif", "else"];
/** More would be shown to nobody. */
const MAX_FOUND = 100;

/**
 * The places of Apache's configuration that let in who is banned, though the snippet stands at server level. Each kind was
 * tried on a real Apache, with what is to be written instead; .htaccess files are not read.
 */
export function bypassesOf(config: ReadConfig, servers: readonly Server[]): ReadProblem[] {
  const ours = snippetSections(config);
  const { directory, include } = ours;
  if (directory === null && include === null) return [];
  const reader = new AccessReader(config);
  const order = new Map(config.sections.map((section, at) => [section, at]));
  const isAfter = (section: Section, our: Section | null): boolean =>
    our !== null && (section.parent !== null || order.get(section)! > order.get(our)!);
  const found = config.sections.flatMap((section): ReadProblem[] => {
    if (section === directory || section === include) return [];
    const access = reader.of(section);
    if (!CONDITIONAL_SECTIONS.includes(section.name))
      return include === null ? [] : satisfyingAny(access, OF_THE_LIST);
    if (!isAfter(section, directory) && !isAfter(section, include)) return [];
    return [...satisfyingAny(access, OF_ALL), ...replacing(section, access)];
  });
  return [...found, ...cachesBefore(servers)].slice(0, MAX_FOUND);
}

const OF_ALL = "who is banned is let in";
const OF_THE_LIST = "who is in Sekisho's list is let in (the ban directory refuses them all the same)";

function satisfyingAny({ satisfiesAny, opensToHosts }: Access, whom: string): ReadProblem[] {
  if (satisfiesAny === null || !opensToHosts) return [];
  return [
    {
      place: satisfiesAny.place,
      message: `Satisfy Any asks for one permission of two, and Sekisho's is one of them: ${whom}`,
      hint: "say what is meant by <RequireAny>, and take Satisfy, Order, Allow and Deny away",
    },
  ];
}

function replacing(section: Section, { merging, isMergingSaid, requires }: Access): ReadProblem[] {
  const { place } = section;
  const written = `<${[section.name, ...section.words].join(" ")}`;
  const shown = `${written.length > 80 ? `${written.slice(0, 79)}…` : written}>`;
  if (merging === "and") return [];
  // The word that stands last also joins all conditional sections to what stands below them.
  if (requires === null || merging === "or") {
    if (!isMergingSaid) return [];
    const message = `AuthMerging ${merging} in ${shown} undoes what Sekisho's sections refuse: ${OF_ALL} where it holds`;
    return [{ place, message, hint: "write AuthMerging And in its place" }];
  }
  if (deniesAll(requires)) return [];
  const message = `${shown} has a Require of its own, which counts in the place of Sekisho's: ${OF_ALL} where it holds`;
  const hint =
    "write AuthMerging And into it; if it is to open what is closed elsewhere, copy Sekisho's <If> sections into it, at its end";
  return [{ place, message, hint }];
}

/** mod_cache answers before access is checked, unless it is told not to. */
function cachesBefore(servers: readonly Server[]): ReadProblem[] {
  const [main] = servers;
  const inherited = quickHandler(main) ?? true;
  const isQuick = (server: Server): boolean => quickHandler(server) ?? inherited;
  return servers.flatMap((server) => {
    // What the main server says holds for vhosts too.
    const isEarly = server === main ? servers.some(isQuick) : isQuick(server);
    return isEarly ? server.directives.filter(isCacheOfServer).map(cacheProblem) : [];
  });
}

const isCacheOfServer = ({ name, section, words }: Directive): boolean =>
  name === "cacheenable" && words.length > 0 && (section === null || section.name === "virtualhost");

const cacheProblem = ({ place }: Directive): ReadProblem => ({
  place,
  message: `what mod_cache holds is sent before access is checked: ${OF_ALL} there`,
  hint: "write CacheQuickHandler off beside it; the cache works then too, and asks who may see it",
});

/** Null where nothing is said. */
function quickHandler(server: Server | undefined): boolean | null {
  const said = server?.directives.findLast(({ name }) => name === "cachequickhandler")?.words[0];
  return said === undefined ? null : said.toLowerCase() !== "off";
}
