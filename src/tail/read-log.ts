import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { LineReader, type ReadLines } from "./line-reader.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { FittedLine } from "./long-line.ts";
import { MAGIC_LENGTH, PACKED_CHUNK_LENGTH, type Packing, packingOf, unpack } from "./unpack.ts";

/** In the place of a path: standard input. */
export const STANDARD_INPUT = "-";

/**
 * All whole lines of a finished log, a batch at a time; a last line without a newline counts. `offset` is how much of the
 * file is read. gzip and zstd are told by their first bytes, not by the name. Throws LOG_UNREADABLE before the first batch
 * or LOG_DAMAGED after the last that could be unpacked. For replay.
 */
export async function* readLog(path: string): AsyncGenerator<ReadLines> {
  if (path === STANDARD_INPUT) return yield* readChunks("standard input", process.stdin);
  const descriptor = open(path);
  let isOurs = true;
  try {
    const head = Buffer.alloc(MAGIC_LENGTH);
    readSync(descriptor, head, 0, MAGIC_LENGTH, 0);
    if (packingOf(head) === null) return yield* readPlain(descriptor);
    isOurs = false;
  } finally {
    if (isOurs) closeSync(descriptor);
  }
  const options = { fd: descriptor, start: 0, highWaterMark: PACKED_CHUNK_LENGTH };
  yield* readChunks(path, createReadStream(path, options));
}

/** Synchronous, which is what makes it fast. */
function* readPlain(descriptor: number): Generator<ReadLines> {
  const reader = new LineReader();
  let offset = 0;
  for (;;) {
    const read = reader.read(descriptor, offset);
    if (read.offset === offset) break;
    offset = read.offset;
    yield read;
  }
  const rest = reader.unfinished(descriptor, offset);
  if (rest.length > 0) yield lastLine(rest, offset + rest.length);
}

async function* readChunks(name: string, source: AsyncIterable<Buffer>): AsyncGenerator<ReadLines> {
  const splitter = new LineSplitter();
  let offset = 0;
  let packing: Packing | null = null;
  async function* counted(first: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
    for (let chunk: Buffer | null = first; chunk !== null; ) {
      offset += chunk.length;
      yield chunk;
      const next: IteratorResult<Buffer> = await chunks.next();
      chunk = next.done === true ? null : next.value;
    }
  }
  const chunks = source[Symbol.asyncIterator]();
  try {
    const first = await headOf(chunks);
    packing = packingOf(first);
    const plain = counted(first, chunks);
    for await (const chunk of packing === null ? plain : unpack(plain, packing.unpacker()))
      yield { ...splitter.add(chunk), offset };
  } catch (cause) {
    if (packing === null)
      throw unreadable(
        `${name} cannot be read: ${messageOf(cause)}`,
        "name a log file, or pipe one in",
        cause,
      );
    throw damaged(name, packing.name, cause);
  } finally {
    await chunks.return?.();
  }
  const rest = splitter.finish();
  if (rest.line !== "") yield lastLine(rest, offset);
}

const lastLine = ({ line, isCut }: FittedLine, offset: number): ReadLines => ({
  lines: [line],
  cut: new Set(isCut ? [0] : []),
  offset,
});

/** The first chunks, joined until a packing can be told; a pipe may bring them in pieces of a byte. */
async function headOf(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < MAGIC_LENGTH) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

function open(path: string): number {
  try {
    // Looked at first: opening a pipe that nobody writes to waits for ever.
    if (statSync(path).isFile()) return openSync(path, "r");
  } catch (cause) {
    if (systemCode(cause) === "ENOENT")
      throw unreadable(`${path}: there is no such file`, "check the path's spelling", cause);
    if (systemCode(cause) === "EACCES")
      throw unreadable(
        `no permission to read ${path}`,
        "run it as a user who may read it: with sudo, or for Apache's logs on Debian as a member of group adm",
        cause,
      );
    throw unreadable(`${path} cannot be read: ${messageOf(cause)}`, "check the path and the disk", cause);
  }
  throw unreadable(
    `${path} is not a regular file`,
    "name a log file; what comes through a pipe is read from standard input: name it -",
  );
}

const unreadable = (message: string, hint: string, cause?: unknown): SekishoError =>
  new SekishoError("LOG_UNREADABLE", message, hint, { cause });

/** A packed log that breaks off. */
export const damaged = (name: string, packing: string, cause: unknown): SekishoError =>
  new SekishoError(
    "LOG_DAMAGED",
    `${name} is damaged or cut short: ${messageOf(cause)}`,
    `what could be unpacked before that counts; test the file: ${packing} -t; read it through: ${packing} -dc FILE | sekisho replay -`,
    { cause },
  );
