/** What Apache is started with. */
export interface StartEnvironment {
  readonly variables: ReadonlyMap<string, string>;
  /** `-D NAME` among its arguments. */
  readonly defines: readonly string[];
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,99})=(.*)$/;
/** `: ${NAME:=value}`, as the images of Docker Hub have it. */
const DEFAULT_ASSIGNMENT = /^\s*:\s+"?\$\{([A-Za-z_][A-Za-z0-9_]{0,99}):?=([^}]*)\}"?\s*$/;
const REFERENCE = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))/g;
const MAX_VALUE = 4_096;

/**
 * Reads the assignments of Debian's envvars or RHEL's sysconfig/httpd. They are programs for a shell and are not run: what
 * more than assigns (a command's output) gives nothing. `known` stands from the beginning and is not assigned anew.
 */
export function readEnvironment(text: string, known: ReadonlyMap<string, string>): StartEnvironment {
  const variables = new Map(known);
  for (const line of text.split("\n")) {
    const match = ASSIGNMENT.exec(line) ?? DEFAULT_ASSIGNMENT.exec(line);
    if (match === null || known.has(match[1]!)) continue;
    const value = shellValue(match[2]!.trim(), variables);
    if (value !== null) variables.set(match[1]!, value);
  }
  const given = [variables.get("APACHE_ARGUMENTS"), variables.get("OPTIONS")].join(" ");
  const defines = [...given.matchAll(/(?:^|\s)-D\s*(\S+)/g)].map((match) => match[1]!);
  return { variables, defines };
}

/** Null where a shell would have to be asked. */
function shellValue(written: string, variables: ReadonlyMap<string, string>): string | null {
  const quote = written[0];
  if (quote === "'") return written.slice(1, Math.max(1, written.indexOf("'", 1)));
  const bare =
    quote === '"' ? written.slice(1, Math.max(1, written.indexOf('"', 1))) : written.split(/[\s;#]/)[0]!;
  if (/[`\\]|\$\(/.test(bare)) return null;
  const value = bare.replace(
    REFERENCE,
    (_all, braced?: string, otherwise?: string, plain?: string) =>
      variables.get((braced ?? plain)!) || (otherwise ?? ""),
  );
  return value.length > MAX_VALUE || /\$\{/.test(value) ? null : value;
}
