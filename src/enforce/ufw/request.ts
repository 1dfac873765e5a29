/** What Sekisho without root and root's half say to each other about ufw: one file for each request, one for each answer. */
import { z } from "zod";
import type { Block } from "../../model/decision.ts";
import { asSekishoError, ERROR_CODES, type ErrorCode, messageOf, SekishoError } from "../../model/errors.ts";
import { parseTarget } from "../../model/ip.ts";
import { NEVER, unixMs } from "../../model/time.ts";

/** Where sekisho-ufw.path sees requests; the user sekisho writes there. */
export const UFW_REQUESTS = "/run/sekisho/ufw";
/** Where root leaves answers. Their names are secrets of who asked, since nobody else may list them. */
export const UFW_ANSWERS = "/run/sekisho-ufw";
/** The name of a request that waits: one at a time. */
export const REQUEST = "request";
/** Changes each second while root's half works. */
export const SIGN = "working";
/** Room for half a million targets. */
export const MAX_REQUEST_BYTES = 32 * 2 ** 20;

/** The end of the year 9999, as rules tell their ends with four digits. */
const LAST_YEAR_MS = 253_402_300_799_000;

const id = z.string().regex(/^[0-9a-f]{24}$/);
/** The target, its end (null: never), and whether an imported list asks for it. */
const blockSchema = z.tuple([
  z.string().max(64),
  z.number().int().min(0).max(LAST_YEAR_MS).nullable(),
  z.boolean(),
]);
const requestSchema = z.discriminatedUnion("action", [
  z.strictObject({ id, action: z.enum(["probe", "blocked"]) }),
  z.strictObject({ id, action: z.literal("reconcile"), want: z.array(z.unknown()) }),
]);
const texts = z.array(z.string()).readonly();
const answerSchema = z.union([
  z.strictObject({
    blocked: texts.default([]),
    /** What it held before and after, as `Ufw.held` tells it. */
    found: texts.default([]),
    held: texts.default([]),
    unenforced: texts.default([]),
  }),
  z.strictObject({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) }),
]);

export type UfwRequest =
  | { readonly id: string; readonly action: "probe" | "blocked" }
  | { readonly id: string; readonly action: "reconcile"; readonly want: readonly Block[] };
export type UfwAnswer = Exclude<z.infer<typeof answerSchema>, { readonly error: unknown }>;

export function requestText(request: UfwRequest): string {
  if (request.action !== "reconcile") return JSON.stringify(request);
  const want = request.want.map(({ target, until, list }) => [
    target,
    until === NEVER ? null : until,
    list !== undefined,
  ]);
  return JSON.stringify({ ...request, want });
}

/** Believes nothing: null for what no Sekisho would have written. */
export function readRequest(text: string): UfwRequest | null {
  const { success, data } = requestSchema.safeParse(parsedJson(text));
  if (!success) return null;
  if (data.action !== "reconcile") return data;
  const want = new Map<string, Block>();
  for (const each of data.want) {
    // One by one: of a list of millions that are wrong, all that is wrong would be told.
    const block = blockSchema.safeParse(each);
    if (!block.success) return null;
    const [written, until, isListed] = block.data;
    const target = parseTarget(written);
    // As others would write it, or two texts would be one target.
    if (target !== written) return null;
    want.set(target, {
      target,
      until: until === null ? NEVER : unixMs(until),
      ...(isListed ? { list: "a list" } : {}),
    });
  }
  return { ...data, want: [...want.values()] };
}

export function errorText(thrown: unknown): string {
  const { code, message, hint } = asSekishoError(thrown);
  return JSON.stringify({ error: { code, message, hint } });
}

/** Throws the error that root's half met. */
export function readAnswer(text: string): UfwAnswer {
  const { success, data } = answerSchema.safeParse(parsedJson(text));
  if (!success)
    throw new SekishoError(
      "UFW_NO_ANSWER",
      "root's half of ufw answers what this Sekisho does not understand",
      "run `sekisho install --yes` from one checkout, so that both halves are of one version",
    );
  if (!("error" in data)) return data;
  const { code, message, hint } = data.error;
  throw new SekishoError(isCode(code) ? code : "UFW_FAILED", message, hint);
}

const isCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return { broken: messageOf(error) };
  }
}
