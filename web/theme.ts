import { signal } from "@preact/signals";

type Theme = "light" | "dark";
const KEY = "sekisho-theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const preferred = (): Theme => (prefersDark.matches ? "dark" : "light");

/** What is shown now. */
export const theme = signal<Theme>(chosen() ?? preferred());

export function startTheme(): void {
  prefersDark.addEventListener("change", () => show(chosen() ?? preferred()));
  show(theme.value);
}

/** Turns to the other theme. A choice equal to the system's is forgotten, so the page follows it again. */
export function toggleTheme(): void {
  const wanted = theme.value === "dark" ? "light" : "dark";
  try {
    if (wanted === preferred()) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, wanted);
  } catch {
    // Storage is forbidden in this browser: the choice lasts as long as the page.
  }
  show(wanted);
}

function show(wanted: Theme): void {
  document.documentElement.dataset.theme = wanted;
  theme.value = wanted;
}

function chosen(): Theme | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : null;
  } catch {
    return null;
  }
}
