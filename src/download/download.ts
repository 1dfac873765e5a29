import { messageOf } from "../model/errors.ts";

/** What an address said of the text that it gave, so that it need not give it again. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface DownloadOptions {
  readonly mostBytes: number;
  readonly timeLimitMs?: number;
  readonly accept?: string;
  /** Of the last good copy: where the address has nothing newer, it says so. */
  readonly known?: Validators | null;
  readonly signal?: AbortSignal;
}

export type Downloaded =
  | { readonly kind: "unchanged" }
  | { readonly kind: "new"; readonly bytes: Buffer; readonly validators: Validators };

const TIME_LIMIT_MS = 20_000;
/** Longer ones are not sent back. */
const LONGEST_VALIDATOR = 500;
const LONGEST_FAILURE = 300;

/** What is at an address. Throws when it is too long, takes too long, leads elsewhere or answers anything but 200 and 304. */
export async function download(url: string, options: DownloadOptions): Promise<Downloaded> {
  const { mostBytes, timeLimitMs = TIME_LIMIT_MS, accept = "*/*", known = null, signal } = options;
  const limit = AbortSignal.timeout(timeLimitMs);
  const answer = await fetch(url, {
    // What it would lead to, nobody configured.
    redirect: "manual",
    signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    headers: { accept, ...conditions(known) },
  });
  if (answer.status === 304 && known !== null) return { kind: "unchanged" };
  if (answer.status !== 200 || answer.body === null) {
    await answer.body?.cancel();
    const elsewhere =
      answer.status >= 300 && answer.status < 400 ? ": it leads elsewhere; name that address" : "";
    throw new Error(`${shown(url)} answered ${answer.status}${elsewhere}`);
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // Unpacked bytes, so a small answer that unpacks to a large one is noticed.
  for await (const part of answer.body) {
    bytes += part.length;
    if (bytes > mostBytes) throw new Error(`${shown(url)} is longer than ${mostBytes} bytes`);
    parts.push(part);
  }
  const validators = { etag: header(answer, "etag"), lastModified: header(answer, "last-modified") };
  return { kind: "new", bytes: Buffer.concat(parts), validators };
}

function conditions(known: Validators | null): Record<string, string> {
  return {
    ...(known?.etag == null ? {} : { "if-none-match": known.etag }),
    ...(known?.lastModified == null ? {} : { "if-modified-since": known.lastModified }),
  };
}

function header(answer: Response, name: string): string | null {
  const value = answer.headers.get(name);
  return value !== null && value.length <= LONGEST_VALIDATOR ? value : null;
}

/** An address as people may see it: what stands behind its path is often a key. */
export function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** Why a download failed, in one short line, whatever the other side wrote: fetch itself says only that it did. */
export function failure(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? ` (${messageOf(error.cause)})` : "";
  return `${messageOf(error)}${cause}`.replace(/\s+/g, " ").slice(0, LONGEST_FAILURE);
}
