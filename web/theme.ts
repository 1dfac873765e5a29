import { signal } from "@preact/signals";
import { keep, kept } from "./kept.ts";

const THEMES = ["light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const KEY = "sekisho-theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const preferred = (): Theme => (prefersDark.matches ? "dark" : "light");
const chosen = (): Theme => kept(KEY, THEMES) ?? preferred();

/** What is shown now. */
export const theme = signal<Theme>(chosen());

export function startTheme(): void {
  prefersDark.addEventListener("change", () => show(chosen()));
  // Paper is white, and the chart is drawn in the colours of the theme.
  addEventListener("beforeprint", () => show("light"));
  addEventListener("afterprint", () => show(chosen()));
  show(theme.value);
}

/** Turns to the other theme. A choice equal to the system's is forgotten, so the page follows it again. */
export function toggleTheme(): void {
  const wanted = theme.value === "dark" ? "light" : "dark";
  keep(KEY, wanted === preferred() ? null : wanted);
  show(wanted);
}

function show(wanted: Theme): void {
  document.documentElement.dataset.theme = wanted;
  theme.value = wanted;
}
