/** What a person chose in this browser; null where nothing was, or what is none of the values. */
export function kept<Value extends string>(key: string, values: readonly Value[]): Value | null {
  try {
    const found = localStorage.getItem(key);
    return values.find((value) => value === found) ?? null;
  } catch {
    return null;
  }
}

/** Null forgets. Where the browser forbids storage, a choice lasts as long as the page. */
export function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Forbidden.
  }
}
