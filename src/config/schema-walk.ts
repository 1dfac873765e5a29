import { z } from "zod";

export type Schema = z.core.$ZodType;
export type Path = readonly PropertyKey[];

/** What a schema takes, in words, and what a person should write for it where that says more. */
export interface Expectation {
  readonly what: string;
  readonly write: string | null;
}

const definition = (schema: Schema) => (schema as z.core.$ZodTypes)._zod.def;

/** What is inside a default or another wrapper; null where there is nothing to unwrap. A text that is parsed is still a text. */
function unwrapped(schema: Schema): Schema | null {
  const def = definition(schema);
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "readonly":
      return def.innerType;
    case "pipe":
      return def.in;
    case "lazy":
      return def.getter();
    default:
      return null;
  }
}

/** The schema inside all its wrappers. */
function bare(schema: Schema): Schema {
  const inner = unwrapped(schema);
  return inner === null ? schema : bare(inner);
}

/** The schemas that the value at `path` can have; several where the schema is a union. */
export function schemasAt(schema: Schema, path: Path, root: unknown): readonly Schema[] {
  let value = root;
  let schemas = alternatives(schema, value);
  for (const key of path) {
    value = child(value, key);
    schemas = schemas.flatMap((parent) => step(parent, key)).flatMap((next) => alternatives(next, value));
  }
  return schemas;
}

/** The value at `path`, undefined where there is none. */
export const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, key) => child(value, key), root);

export const knownKeys = (schemas: readonly Schema[]): string[] => [
  ...new Set(schemas.flatMap((schema) => Object.keys(shapeOf(schema) ?? {}))),
];

export function shapeOf(schema: Schema): Readonly<Record<string, Schema>> | null {
  const def = definition(bare(schema));
  return def.type === "object" ? def.shape : null;
}

export const elementOf = (schema: Schema): Schema | null => {
  const def = definition(bare(schema));
  return def.type === "array" ? def.element : null;
};

/** `parsed` schemas say what they take in their metadata; the others are told from their kind. */
export function expectation(schema: Schema): Expectation {
  const meta = z.globalRegistry.get(schema);
  if (meta?.title !== undefined)
    return { what: meta.title, write: (meta.advice as string | undefined) ?? null };
  const inner = unwrapped(schema);
  if (inner !== null) return expectation(inner);
  const def = definition(schema);
  return def.type === "union" ? anyOf(def.options) : { what: simple(schema), write: null };
}

/** What one of these schemas takes. */
export const anyOf = (schemas: readonly Schema[]): Expectation =>
  (schemas.length > 1 ? kindsOf(schemas) : null) ?? either(schemas.map(expectation));

/** Sections that are told apart by their `kind` are many keys to read: the kinds say more. Null for other unions. */
function kindsOf(options: readonly Schema[]): Expectation | null {
  const kinds = options.map((option) => {
    const kind = shapeOf(option)?.kind;
    return kind === undefined ? null : expectation(kind).what;
  });
  if (kinds.includes(null)) return null;
  return { what: `a section with kind: ${oneOf(kinds.filter((kind) => kind !== null))}`, write: null };
}

function simple(schema: Schema): string {
  const def = definition(schema);
  if (schema instanceof z.ZodNumber) {
    const { minValue, maxValue } = schema;
    const range = [
      ...(minValue !== null && minValue > Number.MIN_SAFE_INTEGER ? [`from ${minValue}`] : []),
      ...(maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER ? [`to ${maxValue}`] : []),
    ];
    return [schema.format === "safeint" ? "a whole number" : "a number", ...range].join(" ");
  }
  switch (def.type) {
    case "string":
      return "text";
    case "boolean":
      return "true or false";
    case "enum":
      return oneOf(Object.values(def.entries).map(String));
    case "literal":
      return oneOf(def.values.map(String));
    case "array":
      return "a list";
    case "object":
      return Object.keys(def.shape).length === 0
        ? "an empty section"
        : `a section with the keys ${listing(Object.keys(def.shape))}`;
    case "record":
      return "a section of names and values";
    default:
      return "what belongs here";
  }
}

/** Several expectations as one. */
function either(parts: readonly Expectation[]): Expectation {
  const advice = parts.flatMap(({ write }) => (write === null ? [] : [write]));
  const what = oneOf([...new Set(parts.map((part) => part.what))]);
  return { what, write: advice.length === 0 ? null : oneOf([...new Set(advice)]) };
}

/** `a, b or c`. */
const oneOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

const listing = (words: readonly string[]): string =>
  words.length > 12 ? `${words.slice(0, 12).join(", ")} and others` : words.join(", ");

function child(value: unknown, key: PropertyKey): unknown {
  const holds = typeof value === "object" && value !== null && Object.hasOwn(value, key);
  return holds ? (value as Record<PropertyKey, unknown>)[key] : undefined;
}

function step(schema: Schema, key: PropertyKey): readonly Schema[] {
  const def = definition(bare(schema));
  switch (def.type) {
    case "object":
      return Object.hasOwn(def.shape, key) ? [def.shape[key as string]!] : [];
    case "array":
      return typeof key === "number" ? [def.element] : [];
    case "record":
      return [def.valueType];
    default:
      return [];
  }
}

/** A union's variants: those that the value can mean, or all when it contradicts each. */
function alternatives(schema: Schema, value: unknown): readonly Schema[] {
  const def = definition(bare(schema));
  if (def.type !== "union") return [schema];
  const options = def.options.flatMap((option) => alternatives(option, value));
  const fitting = options.filter((option) => fits(option, value));
  return fitting.length > 0 ? fitting : options;
}

/** False for the variants of a union whose literal key (`kind`) the value contradicts. */
function fits(option: Schema, value: unknown): boolean {
  return Object.entries(shapeOf(option) ?? {}).every(([key, schema]) => {
    const def = definition(schema);
    const given = child(value, key);
    return (
      def.type !== "literal" || given === undefined || (def.values as readonly unknown[]).includes(given)
    );
  });
}
