import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import type { z } from "zod";
import { type ErrorCode, SekishoError } from "../model/errors.ts";
import { type Problem, problemsOf } from "./problems.ts";
import type { Path } from "./schema-walk.ts";
import { YAML_OPTIONS } from "./yaml-options.ts";

/** A document that was looked at: what it says, and everything that is wrong with it as `file:line:column: …`. */
export interface CheckedDocument<Value> {
  /** Null when there are problems. */
  readonly value: Value | null;
  readonly problems: readonly string[];
  /** What the YAML says, whether the schema takes it or not; null where it is no YAML. */
  readonly raw: unknown;
  /** True when the document itself has the key at `path`, rather than its default. */
  has(path: Path): boolean;
  /** A line for a problem that only a comparison beyond the schema can find. */
  problem(path: Path, message: string): string;
}

/** A document may name a value a few times by an alias; a bomb names it millions of times. */
const MAX_ALIASES = 100;

/** Reads YAML against a schema. Never throws for what the text says. An empty text is an empty section. */
export function checkYaml<S extends z.ZodType>(
  file: string,
  text: string,
  schema: S,
): CheckedDocument<z.output<S>> {
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const failed = (problems: readonly string[]): CheckedDocument<z.output<S>> => ({
    value: null,
    problems,
    raw: null,
    has: () => false,
    problem: (_path, message) => `${file}: ${message}`,
  });

  let document: Document.Parsed;
  let raw: unknown;
  try {
    document = parseDocument(text, { ...YAML_OPTIONS, lineCounter: lines });
    // One mistake often leads the parser to several on the same line; the first is the cause.
    const syntax = new Map<number, string>();
    for (const { offset, message } of syntaxProblems(document, text)) {
      const { line } = lines.linePos(offset);
      if (!syntax.has(line)) syntax.set(line, `${at(offset)}: ${message}`);
    }
    if (syntax.size > 0) return failed([...syntax.values()]);
    raw = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
  } catch (error) {
    // The parser recurses, and counts aliases only while it expands them.
    if (!(error instanceof RangeError || error instanceof ReferenceError)) throw error;
    return failed([`${file}:1:1: nested too deeply, or too many aliases; write the values out`]);
  }

  const problem = (path: Path, message: string, atKey = false): string =>
    `${at(offsetOf(document, path, atKey))}: ${keyPath(path)}${message}`;
  const result = schema.safeParse(raw, { reportInput: false });
  const problems = result.success ? [] : problemsOf(result.error.issues, schema, raw);
  return {
    value: result.success ? result.data : null,
    problems: inOrder(problems, document).map(({ path, message, atKey }) => problem(path, message, atKey)),
    raw,
    has: (path) => document.hasIn(path),
    problem,
  };
}

const HINTS = {
  CONFIG_INVALID:
    "docs/configuration.md lists every key with its default; `sekisho check` tries a file without running it",
  RULE_INVALID:
    "docs/rules.md explains every key, and `mode: off` switches a rule off; `sekisho check` tries rules without running them",
} as const satisfies Partial<Record<ErrorCode, string>>;

const MAX_SHOWN = 20;

/** One error for all problems: its message has one line for each. */
export function invalid(
  code: keyof typeof HINTS,
  problems: readonly string[],
  /** Put before the usual hint. */
  first = "",
): SekishoError {
  const more = problems.length - MAX_SHOWN;
  const shown = problems.slice(0, MAX_SHOWN);
  return new SekishoError(
    code,
    [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("\n"),
    first + HINTS[code],
  );
}

/** `logs[0].path: `; nothing for the document itself. */
function keyPath(path: Path): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text === "" ? "" : `${text.replace(/^\./, "")}: `;
}

function inOrder(problems: readonly Problem[], document: Document.Parsed): Problem[] {
  const offset = ({ path, atKey }: Problem) => offsetOf(document, path, atKey);
  return problems.toSorted((a, b) => offset(a) - offset(b));
}

/** Where the value at `path` (or its key) begins; the nearest enclosing thing for what is not there. */
function offsetOf(document: Document.Parsed, path: Path, atKey: boolean): number {
  let node: Node | null = document.contents;
  let found = node?.range?.[0] ?? 0;
  for (const [index, step] of path.entries()) {
    const inner: Node | null | undefined = isAlias(node) ? node.resolve(document) : node;
    if (isMap(inner)) {
      const pair = inner.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return found;
      const key = pair.key as Node;
      node = pair.value as Node | null;
      const empty = node === null || (isScalar(node) && node.type === "PLAIN" && node.source === "");
      const wantsKey = index < path.length - 1 || atKey || empty;
      found = (wantsKey ? key.range?.[0] : node?.range?.[0]) ?? found;
    } else if (isSeq(inner)) {
      node = (inner.items[Number(step)] as Node | undefined) ?? null;
      found = node?.range?.[0] ?? found;
    } else return found;
  }
  return found;
}

interface SyntaxProblem {
  readonly offset: number;
  readonly message: string;
}

function syntaxProblems(document: Document.Parsed, text: string): SyntaxProblem[] {
  const problems = document.errors.map(({ code, message, pos }) => ({
    offset: pos[0],
    message: describeSyntax(code, message, text.slice(pos[0])),
  }));
  for (const { pos, message } of document.warnings) {
    problems.push({
      offset: pos[0],
      message: `${message}; write the value without a !tag, in quotes if it needs the !`,
    });
  }
  if (problems.length > 0) return problems;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return;
      const offset = alias.range?.[0] ?? 0;
      problems.push({ offset, message: `*${alias.source}: a value that begins with * must stand in quotes` });
    },
  });
  return problems;
}

/** The parser's message, and what to write instead where there is one thing to write. */
function describeSyntax(code: string, message: string, rest: string): string {
  switch (code) {
    case "RESOURCE_EXHAUSTION":
      return "nested too deeply";
    case "TAB_AS_INDENT":
      return "a tab is used for indentation; indent with spaces";
    case "DUPLICATE_KEY":
      return `the key ${/^["']?([^\s:"']*)/.exec(rest)?.[1] ?? ""} is there twice; keep one of them`;
    case "MULTIPLE_DOCS":
      return "a second document begins here; remove the line ---";
    case "BAD_SCALAR_START":
      return `a value that begins with ${rest[0]} must stand in quotes`;
    case "BAD_DQ_ESCAPE":
      return `${message}; write \\\\ for a backslash, or use single quotes`;
    case "BLOCK_AS_IMPLICIT_KEY":
      return /^[^\n]*: .*:/.test(rest) || /^[^\n]*: \S/.test(rest)
        ? "a value that contains ': ' must stand in quotes"
        : "the line below is indented deeper than its key; align it";
    case "NON_STRING_KEY":
      return "a key must be a name";
    case "MISSING_CHAR":
      return message.replace(/^Missing closing (.)quote$/, "the closing $1 is missing");
    case "BAD_INDENT":
      return message.replace(
        /^.* must be .* end with a (.)$/,
        "a $1 is missing, or lines inside the brackets are not indented",
      );
    default:
      return message;
  }
}
