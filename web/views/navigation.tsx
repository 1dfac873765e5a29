import { type Route, route } from "../state.ts";

const PAGES = [
  ["overview", "Overview", ["overview", "incident"]],
  ["rules", "Rules", ["rules", "rule"]],
  ["lists", "Lists", ["lists"]],
] as const satisfies readonly (readonly [string, string, readonly Route["kind"][]])[];

export function Navigation() {
  const { kind } = route.value;
  return (
    <nav class="pages" aria-label="Pages">
      <ul>
        {PAGES.map(([name, text, kinds]) => (
          <li key={name}>
            <a
              href={`#${name}`}
              {...currentness(
                name === kind,
                kinds.some((each) => each === kind),
              )}
            >
              {text}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** `page`: this one is shown; `true`: one that belongs to it. */
const currentness = (isShown: boolean, isNear: boolean) =>
  isShown ? ({ "aria-current": "page" } as const) : isNear ? ({ "aria-current": "true" } as const) : {};
