import { z } from "zod";
import { nearest } from "./nearest.ts";
import {
  anyOf,
  elementOf,
  knownKeys,
  type Path,
  type Schema,
  schemasAt,
  shapeOf,
  valueAt,
} from "./schema-walk.ts";

/** One thing that is wrong in a document, and where. */
export interface Problem {
  readonly path: Path;
  /** Point at the key, not at its value: the key itself is wrong, or something in it is missing. */
  readonly atKey: boolean;
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

/** What a person should read for the issues that `schema` found in `root`. */
export const problemsOf = (issues: readonly Issue[], schema: Schema, root: unknown): Problem[] =>
  issues.flatMap((issue) => explain(issue, schema, root));

function explain(issue: Issue, schema: Schema, root: unknown): Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey([...issue.path, key], schema, root));
  }
  const meant = issue.code === "invalid_union" ? meantBranch(issue.errors) : null;
  if (meant !== null) {
    return meant.flatMap((inner) =>
      explain({ ...inner, path: [...issue.path, ...inner.path] }, schema, root),
    );
  }
  const value = valueAt(root, issue.path);
  if (issue.code === "custom" && value !== null) {
    return [{ path: issue.path, atKey: false, message: issue.message }];
  }
  const atKey = value === undefined || value === null;
  return [
    { path: issue.path, atKey, message: wrongValue(value, issue.path, schemasAt(schema, issue.path, root)) },
  ];
}

function unknownKey(path: Path, schema: Schema, root: unknown): Problem {
  const known = knownKeys(schemasAt(schema, path.slice(0, -1), root));
  const near = nearest(String(path.at(-1)), known);
  const advice =
    near === null
      ? known.length === 0
        ? "remove it"
        : `known here are ${known.join(", ")}`
      : `did you mean ${near}?`;
  return { path, atKey: true, message: `unknown key; ${advice}` };
}

function wrongValue(value: unknown, path: Path, schemas: readonly Schema[]): string {
  const { what, write } = anyOf(schemas);
  const takes = write === null ? `it takes ${what}` : `write ${write}`;
  if (value === undefined) return `is missing; ${takes}`;
  if (value === null) return `has no value; ${emptyValue(schemas) ?? takes}, or remove the key`;
  if (isEmpty(value)) return "must not be empty";
  if (write !== null) return `${shown(value)} is not ${what}; write ${write}`;
  // `nftables: true` turns it on, a person thinks.
  const meant = value === true ? emptySection(schemas) : meantSection(value, path, schemas);
  if (meant !== null) return `${shown(value)} is not ${what}; write ${bareAddresses(meant)}`;
  return `${shown(value)} is not ${what}${bareAddresses(advice(value, what))}`;
}

const isEmpty = (value: unknown): boolean => value === "" || (Array.isArray(value) && value.length === 0);

/** `key:` with nothing behind it is often a section or list whose lines were commented out. */
function emptyValue(schemas: readonly Schema[]): string | null {
  const section = emptySection(schemas);
  if (section !== null) return `write ${section}`;
  return accept(schemas, []) ? "write [] for none" : null;
}

const emptySection = (schemas: readonly Schema[]): string | null =>
  accept(schemas, {}) ? "{} for its defaults" : null;

const accept = (schemas: readonly Schema[], value: unknown): boolean =>
  schemas.some((schema) => z.safeParse(schema, value).success);

/** What was probably meant where a section, or a list of sections, was written shorter than it can be. */
function meantSection(value: unknown, path: Path, schemas: readonly Schema[]): string | null {
  const takes = (key: string, given: unknown): boolean =>
    schemas
      .flatMap((schema) => schemasAt(schema, [key], {}))
      .some((schema) => z.safeParse(schema, given).success);
  if (Array.isArray(value)) {
    const isNames = value.every((key) => typeof key === "string" && takes(key, {}));
    return isNames ? `{ ${value.map((key) => `${key}: {}`).join(", ")} }` : null;
  }
  if (typeof value !== "string" || value.length > 80) return null;
  if (takes(value, {})) return `${value}: {}`;
  const [, key = "", rest = ""] = /^(\w+)[ =]+(.+)$/.exec(value) ?? [];
  if (takes(key, rest)) return `${key}: ${rest}, with a colon`;
  const items = schemas.flatMap((schema) => elementOf(schema) ?? []).filter((item) => shapeOf(item) !== null);
  if (items.length > 0) {
    const item = meantSection(value, [...path, 0], items);
    return item === null ? null : `[${item}]`;
  }
  const first =
    typeof path.at(-1) === "number" ? knownKeys(schemas).find((each) => takes(each, value)) : undefined;
  return first === undefined ? null : `{ ${first}: ${value} }`;
}

function advice(value: unknown, what: string): string {
  if (typeof value === "object") return "";
  if (what === "a list") return `; write [${value}]`;
  if (what.startsWith("text") && typeof value !== "string") return `; write it in quotes: "${value}"`;
  if (typeof value === "string" && what.includes("number") && /^\d+(\.\d+)?$/.test(value))
    return "; write it without quotes";
  const near = nearest(String(value), what.split(/, | or /));
  return near === null ? "" : `; did you mean ${near}?`;
}

/** What stands behind an address's scheme may be secret. */
const bareAddresses = (text: string): string =>
  text.replace(/([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s\]}"']+/gi, "$1…");

/** A value as it stands in the file, shortened. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a section";
  const text = bareAddresses(String(value));
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return typeof value === "string" ? `'${short}'` : short;
}

/**
 * Of a union's branches, the one whose outer shape fits and in which something deeper is wrong.
 * Null when no branch fits: then what the whole union takes is the better message.
 */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const fitting = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys"),
  );
  return fitting.toSorted((a, b) => a.length - b.length)[0] ?? null;
}
