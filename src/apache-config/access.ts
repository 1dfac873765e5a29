import type { Directive, ReadConfig, Section } from "./reader.ts";

/** What of a section decides whom Apache lets in: mod_authz_core's directives, and `Satisfy` of the old mod_access_compat. */
export interface Access {
  /** How it is joined with what is said elsewhere. `off` is the default: it takes the place of that. */
  readonly merging: "off" | "and" | "or";
  /** `AuthMerging` stands there. */
  readonly isMergingSaid: boolean;
  /** Its `Require` lines, as they stand in the section itself: one of them is enough. Null when there are none. */
  readonly requires: Requirement | null;
  readonly satisfiesAny: Directive | null;
  /** Whether mod_access_compat lets some hosts in there; `Deny from all` alone lets none in. */
  readonly opensToHosts: boolean;
}

export type Requirement =
  | { readonly kind: "require"; readonly directive: Directive; readonly words: readonly string[] }
  | {
      readonly kind: "any" | "all" | "none" | "limit";
      readonly parts: readonly Requirement[];
    };

const CONTAINERS: Readonly<Record<string, "any" | "all" | "none" | "limit">> = {
  requireany: "any",
  requireall: "all",
  requirenone: "none",
  // Holds for some methods only.
  limit: "limit",
  limitexcept: "limit",
};

/** A part of a section's Require lines, as `<RequireAny>` is. */
export const isContainer = ({ name }: Section): boolean => Object.hasOwn(CONTAINERS, name);

/** Deeper than any honest `<RequireAny>`. */
const MAX_DEPTH = 50;

/** Reads the access control of sections; goes through the configuration once. */
export class AccessReader {
  readonly #directives = new Map<Section, Directive[]>();
  readonly #children = new Map<Section, Section[]>();

  constructor({ directives, sections }: Pick<ReadConfig, "directives" | "sections">) {
    for (const directive of directives)
      if (directive.section !== null) add(this.#directives, directive.section, directive);
    for (const section of sections) if (section.parent !== null) add(this.#children, section.parent, section);
  }

  of(section: Section): Access {
    const own = this.#directives.get(section) ?? [];
    const merging = own.findLast(({ name }) => name === "authmerging")?.words[0]?.toLowerCase();
    const parts = this.#parts(section);
    const satisfy = own.findLast(({ name }) => name === "satisfy");
    return {
      merging: merging === "and" || merging === "or" ? merging : "off",
      isMergingSaid: merging !== undefined,
      requires: parts.length === 0 ? null : { kind: "any", parts },
      satisfiesAny: satisfy?.words[0]?.toLowerCase() === "any" ? satisfy : null,
      opensToHosts: own.some(({ name }) => name === "allow") || !own.some(deniesEveryHost),
    };
  }

  #parts(section: Section, depth = 0): Requirement[] {
    if (depth > MAX_DEPTH) return [];
    const own = (this.#directives.get(section) ?? [])
      .filter(({ name }) => name === "require")
      .map((directive): Requirement => ({ kind: "require", directive, words: directive.words }));
    const within = (this.#children.get(section) ?? []).flatMap((child): Requirement[] => {
      const kind = CONTAINERS[child.name];
      return kind === undefined ? [] : [{ kind, parts: this.#parts(child, depth + 1) }];
    });
    return [...own, ...within].filter((part) => part.kind === "require" || part.parts.length > 0);
  }
}

function add<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

const deniesEveryHost = ({ name, words }: Directive): boolean =>
  name === "deny" && words.join(" ").toLowerCase() === "from all";

const says = ({ words }: { readonly words: readonly string[] }, what: "granted" | "denied"): boolean =>
  words[0]?.toLowerCase() === "all" && words[1]?.toLowerCase() === what;

/** Whether nobody passes, whoever asks. */
export function deniesAll(requirement: Requirement): boolean {
  switch (requirement.kind) {
    case "require":
      return says(requirement, "denied");
    case "any":
      return requirement.parts.every(deniesAll);
    case "all":
      return requirement.parts.some(deniesAll);
    case "none":
    case "limit":
      return false;
  }
}

/** Whether everybody passes, whoever asks. */
export function grantsAll(requirement: Requirement): boolean {
  switch (requirement.kind) {
    case "require":
      return says(requirement, "granted");
    case "any":
      return requirement.parts.some(grantsAll);
    case "all":
      return requirement.parts.every(grantsAll);
    case "none":
    case "limit":
      return false;
  }
}
