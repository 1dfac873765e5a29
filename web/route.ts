import { type Route, route } from "./state.ts";

/** What a fragment of the address names; whatever is none of ours is the overview. */
export function routeOf(fragment: string): Route {
  const [, kind = "", id = ""] = /^#(\w+)(?:\/([\w-]{1,200}))?$/.exec(fragment) ?? [];
  if (kind === "incident" && /^\d{1,15}$/.test(id)) return { kind, id: Number(id) };
  if (kind === "rule" && id !== "") return { kind, id };
  if ((kind === "rules" || kind === "lists") && id === "") return { kind };
  return { kind: "overview" };
}

/** For the window's title, before the name of the program. */
export function nameOf(shown: Route): readonly string[] {
  switch (shown.kind) {
    case "overview":
      return [];
    case "incident":
      return [`Incident ${shown.id}`, "\u00b7"];
    case "rule":
      return [`Rule ${shown.id}`, "\u00b7"];
    case "rules":
      return ["Rules", "\u00b7"];
    case "lists":
      return ["Lists", "\u00b7"];
  }
}

/** Whether what rules led to is in sight. */
export const isOnRules = (): boolean => route.value.kind === "rules" || route.value.kind === "rule";
