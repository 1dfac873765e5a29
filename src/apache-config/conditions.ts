/** What decides whether a section such as `<IfModule>` is read. */
export interface Conditions {
  /** By identifier (`ssl_module`) and by file (`mod_ssl.c`). */
  readonly modules: ReadonlySet<string>;
  /** By `-D NAME` and `Define NAME`. */
  readonly defines: ReadonlySet<string>;
  readonly exists: (path: string) => boolean;
}

/** Built into Apache on Debian, or loaded wherever a configuration that logs works at all. */
export const COMPILED_IN = [
  "core",
  "http",
  "so",
  "log_config",
  "logio",
  "version",
  "unixd",
  "watchdog",
].flatMap((name) => [`${name}_module`, `mod_${name}.c`]);

/** The names under which `<IfModule>` knows what `LoadModule ID FILE` loads. */
export function moduleNames(identifier: string, file: string): string[] {
  const base = file.slice(file.lastIndexOf("/") + 1).replace(/\.so$/, "");
  const short = identifier.replace(/_module$/, "");
  const mpm = /^mpm_(event|worker|prefork)$/.exec(short)?.[1];
  // The MPMs' source files are called event.c, worker.c and prefork.c.
  return mpm === undefined ? [identifier, `mod_${short}.c`, `${base}.c`] : [identifier, `${mpm}.c`];
}

export const CONDITIONAL = ["ifmodule", "ifdefine", "iffile", "ifversion"];

export interface Verdict {
  readonly holds: boolean;
  /** False for what only the program itself knows. */
  readonly certain: boolean;
}

/** Whether a section of CONDITIONAL is read. */
export function verdictOn(name: string, words: readonly string[], conditions: Conditions): Verdict {
  const [first = "", second] = words;
  if (name === "ifversion") return versionVerdict(first, second);
  const negated = first.startsWith("!");
  const what = negated ? first.slice(1) : first;
  return { holds: isSo(name, what, conditions) !== negated, certain: true };
}

function isSo(name: string, what: string, { modules, defines, exists }: Conditions): boolean {
  if (name === "ifmodule") return modules.has(what);
  return name === "ifdefine" ? defines.has(what) : exists(what);
}

/** The program is not asked for its version: what all releases of 2.4 agree on is certain, else the newest counts. */
const OLDEST: Version = [2, 4, 0];
const NEWEST: Version = [2, 4, 999];
type Version = readonly [number, number, number];

function versionVerdict(first: string, second: string | undefined): Verdict {
  const negated = first.startsWith("!");
  const bare = negated ? first.slice(1) : first;
  const [operator, wanted] = second === undefined ? ["=", bare] : [bare || "=", second];
  const pattern = operator === "~" ? wanted : /^\/(.*)\/$/.exec(wanted)?.[1];
  // All that 2.4 begins with; any other expression is not ours to run.
  if (pattern !== undefined)
    return { holds: !negated, certain: /^\^2\\?\.4(\\?\.(\[0-9\]|\\d)?[+*]?\$?)?$/.test(pattern) };
  const version = /^(\d{1,5})(?:\.(\d{1,5}))?(?:\.(\d{1,5}))?$/.exec(wanted);
  if (version === null) return { holds: !negated, certain: false };
  const parts = [1, 2, 3].map((group) => Number(version[group] ?? 0));
  const [oldest, newest] = [OLDEST, NEWEST].map((each) => compares(operator, difference(each, parts)));
  return { holds: newest !== negated, certain: oldest === newest };
}

function difference(version: Version, wanted: readonly number[]): number {
  const at = version.findIndex((part, index) => part !== wanted[index]);
  return at === -1 ? 0 : version[at]! - wanted[at]!;
}

function compares(operator: string, difference: number): boolean {
  switch (operator) {
    case ">":
      return difference > 0;
    case ">=":
      return difference >= 0;
    case "<":
      return difference < 0;
    case "<=":
      return difference <= 0;
    default:
      return difference === 0;
  }
}
