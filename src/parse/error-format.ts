import { SekishoError } from "../model/errors.ts";
import {
  ADDRESS,
  addressOf,
  CODE,
  type ErrorHead,
  errorTime,
  LEVELS,
  LOG_ID,
  MODULE,
  SOURCE_FILE,
  SYSTEM_ERROR,
} from "./error-head.ts";
import { TimeReader } from "./time-reader.ts";
import type { Zone } from "./zone.ts";

type Role = "client" | "level" | "module" | "requestId";

/** What a part of a line must look like. */
type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "time"; readonly reader: TimeReader }
  | { readonly kind: "value"; readonly shape: RegExp; readonly role: Role | null }
  /** A client or a script writes it, and nothing is escaped that would tell where it ends. */
  | { readonly kind: "loose"; readonly directive: string };
type Token = { readonly part: Part; readonly separates: boolean; readonly maybeEmpty: boolean };

/** Parts that Apache writes together or leaves out together, when one of them is empty. */
interface Field {
  readonly parts: readonly Part[];
  readonly optional: boolean;
}

/** Every directive of an ErrorLogFormat but %t and %M: the shape of its text, null where a client may write anything. */
const SHAPES: Readonly<Record<string, string | null>> = {
  a: ADDRESS,
  A: ADDRESS,
  E: SYSTEM_ERROR,
  e: null,
  F: SOURCE_FILE,
  i: null,
  k: "\\d{1,10}",
  L: LOG_ID,
  l: LEVELS,
  m: MODULE,
  n: null,
  P: "\\d{1,20}",
  T: "\\d{1,20}",
  v: "[A-Za-z0-9._-]{1,255}",
  V: "[A-Za-z0-9._-]{1,255}|\\[[0-9A-Fa-f:.]{2,45}\\]",
};
/** By letter and argument: %{c}a is the peer of the connection, behind a proxy the proxy. */
const ROLES: ReadonlyMap<string, Role> = new Map([
  ["a", "client"],
  ["l", "level"],
  ["m", "module"],
  ["L", "requestId"],
  ["eUNIQUE_ID", "requestId"],
]);
const NEVER_EMPTY = ["t", "l", "P", "M"];

/** What a line says; `time` is NaN when its text is no time. */
export interface ErrorLine {
  readonly time: number;
  readonly head: ErrorHead;
}

/**
 * Reads error lines of one ErrorLogFormat. Only what stands before the first directive that a client may have written is
 * taken from a line, so nothing that a client writes looks like it.
 */
export class ErrorFormatReader {
  readonly #fields: readonly Field[];
  /** False when something else that a client writes stands before the message: it begins nobody knows where. */
  readonly #endsAtMessage: boolean;

  /** Throws LOG_FORMAT_INVALID. */
  constructor(format: string, zone: Zone) {
    const tokens = tokenise(format, zone);
    const firstLoose = tokens.findIndex(({ part }) => part.kind === "loose");
    const loose = tokens.flatMap(({ part }) => (part.kind === "loose" ? [part.directive] : []));
    demand(loose.includes("%M"), "the message", "add %M");
    this.#endsAtMessage = loose[0] === "%M";
    this.#fields = toFields(
      tokens.slice(0, firstLoose),
      this.#endsAtMessage || tokens[firstLoose]!.separates,
    );
    const parts = this.#fields.flatMap((field) => field.parts);
    const hint = `put it before ${loose[0]}, and a space between the two: what a client writes could look like it`;
    demand(parts.some(isTime), "the time", tokens.some(({ part }) => isTime(part)) ? hint : "add [%t]");
    const isLost = tokens.some(({ part }) => isClient(part)) && !parts.some(isClient);
    demand(!isLost, "the client where it can be told", hint);
  }

  /** Null when the line is not of this format. */
  read(line: string): ErrorLine | null {
    const found = this.#match(line, 0, 0, new Set());
    if (found === null) return null;
    const message = line.slice(found.end);
    const code = this.#endsAtMessage ? CODE.exec(message) : null;
    const { client, level, module, requestId } = found.values;
    return {
      time: found.time,
      head: {
        client: client === undefined ? null : addressOf(client),
        level: level ?? "",
        module: module ?? null,
        code: code?.[1] ?? null,
        requestId: requestId ?? null,
        message: code === null ? message : message.slice(code[0].length),
      },
    };
  }

  /** `failed`: fields and places that lead nowhere, so that a line costs no more than fields times places. */
  #match(line: string, index: number, at: number, failed: Set<number>): Found | null {
    const field = this.#fields[index];
    if (field === undefined) return { end: at, time: Number.NaN, values: {} };
    const place = at * this.#fields.length + index;
    if (failed.has(place)) return null;
    const own = readField(field, line, at);
    const rest = own === null ? null : this.#match(line, index + 1, own.end, failed);
    if (own !== null && rest !== null) {
      const time = Number.isNaN(own.time) ? rest.time : own.time;
      return { end: rest.end, time, values: { ...rest.values, ...own.values } };
    }
    const without = field.optional ? this.#match(line, index + 1, at, failed) : null;
    if (without === null) failed.add(place);
    return without;
  }
}

interface Found {
  readonly end: number;
  readonly time: number;
  readonly values: Partial<Record<Role, string>>;
}

function readField({ parts }: Field, line: string, start: number): Found | null {
  const values: Partial<Record<Role, string>> = {};
  let time = Number.NaN;
  let at = start;
  for (const part of parts) {
    switch (part.kind) {
      case "text":
        if (!line.startsWith(part.text, at)) return null;
        at += part.text.length;
        break;
      case "time":
        time = part.reader.read(line, at);
        at += part.reader.width!;
        if (at > line.length) return null;
        break;
      case "value": {
        part.shape.lastIndex = at;
        const value = part.shape.exec(line)?.[0];
        if (value === undefined) return null;
        if (part.role !== null && value !== "-") values[part.role] = value;
        at += value.length;
        break;
      }
      default:
        return null;
    }
  }
  return { end: at, time, values };
}

const isTime = (part: Part): boolean => part.kind === "time";
const isClient = (part: Part): boolean => part.kind === "value" && part.role === "client";

/** `whole`: false when the last field goes on with a value that is not read, so that all of it may be missing. */
function toFields(tokens: readonly Token[], whole: boolean): Field[] {
  const groups: Token[][] = [];
  for (const token of tokens) {
    if (token.separates || groups.length === 0) groups.push([]);
    groups.at(-1)!.push(token);
  }
  if (!whole) groups.pop();
  return groups.map((group) => ({
    parts: group.map(({ part }) => part),
    optional: group.some(({ maybeEmpty }) => maybeEmpty),
  }));
}

function tokenise(format: string, zone: Zone): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let separates = false;
  while (at < format.length) {
    if (format.startsWith("% ", at)) {
      separates = true;
      at += 2;
      continue;
    }
    const isDirective = format[at] === "%" && format[at + 1] !== "%";
    const read = isDirective ? readDirective(format, at, zone) : readText(format, at);
    tokens.push({ ...read.token, separates: separates || (!isDirective && format[at] === " ") });
    separates = false;
    at = read.end;
  }
  return tokens;
}

/** A space that is not its first character begins the next field, so the text ends there; `\ ` is a space that does not. */
function readText(format: string, start: number) {
  let text = "";
  let at = start;
  let isLeading = true;
  while (at < format.length) {
    if (format.startsWith("%%", at)) {
      text += "%";
      at += 2;
    } else if (format[at] === "%" || (format[at] === " " && !isLeading)) break;
    else {
      if (format[at] === "\\" && at + 1 < format.length) at++;
      text += format[at++];
    }
    isLeading &&= text.endsWith(" ");
  }
  return { end: at, token: { part: { kind: "text", text } as Part, maybeEmpty: false } };
}

/** `%`, options in any order (`{name}`, `-`, `+`, a level), and a letter. */
function readDirective(format: string, start: number, zone: Zone) {
  const match = /%((?:\{[^}]*\}|[-+]|\d+)*)([A-Za-z]?)/y;
  match.lastIndex = start;
  const [text, options, letter] = match.exec(format)! as unknown as [string, string, string];
  const argument = /\{([^}]*)\}/.exec(options)?.[1] ?? "";
  if (letter !== "t" && letter !== "M" && !Object.hasOwn(SHAPES, letter)) {
    throw new SekishoError(
      "LOG_FORMAT_INVALID",
      `error log format, position ${start + 1}: ${text} is not one of ErrorLogFormat's directives`,
      "copy what stands between the quotes of Apache's ErrorLogFormat, or write auto",
    );
  }
  const named = options.replace(/\{[^}]*\}/g, "");
  const isPresent = NEVER_EMPTY.includes(letter) || named.includes("-") || named.includes("+");
  const maybeEmpty = !isPresent || /\d/.test(named);
  return {
    end: start + text.length,
    token: { part: partOf(letter, argument, text, named.includes("-"), zone), maybeEmpty },
  };
}

function partOf(letter: string, argument: string, text: string, dash: boolean, zone: Zone): Part {
  if (letter === "t") return { kind: "time", reader: new TimeReader(errorTime(argument), zone) };
  const role = ROLES.get(letter + argument) ?? null;
  const shape = role === "requestId" ? LOG_ID : SHAPES[letter];
  if (shape === undefined || shape === null) return { kind: "loose", directive: text };
  return { kind: "value", shape: new RegExp(dash ? `(?:${shape})|-` : `(?:${shape})`, "y"), role };
}

function demand(present: boolean, what: string, hint: string): void {
  if (!present)
    throw new SekishoError("LOG_FORMAT_INVALID", `the error log format does not show ${what}`, hint);
}
