import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";

/** What a packed log begins with. No line of a log does: Apache escapes such bytes. */
const PACKINGS = [
  {
    name: "gzip",
    magic: [0x1f, 0x8b],
    unpacker: () => createGunzip({ chunkSize: 1 << 16 }),
    // RFC 1952: the last four bytes are the length, modulo 2^32.
    hasLength: (_start: Buffer, end: Buffer, length: number) => end.readUInt32LE(4) === length % 2 ** 32,
  },
  {
    name: "zstd",
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    unpacker: () => createZstdDecompress({ chunkSize: 1 << 16 }),
    hasLength: (start: Buffer, _end: Buffer, length: number) => zstdLength(start) === length,
  },
] as const;
export type Packing = (typeof PACKINGS)[number];

/** Bytes of a packed file that are read at once: few, since everything that a damaged piece would have unpacked to is lost. */
export const PACKED_CHUNK_LENGTH = 1 << 14;

/** Enough to tell a packing by. */
export const MAGIC_LENGTH = 4;

/** The bytes at both ends of a packed file that may tell its unpacked length. */
export const ENDS_LENGTH = { start: 18, end: 8 } as const;

/** The length that a zstd frame's header states (RFC 8878, 3.1.1.1); null where it states none. */
function zstdLength(frame: Buffer): number | null {
  const descriptor = frame[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >> 6) {
    case 1:
      return frame.readUInt16LE(at) + 256;
    case 2:
      return frame.readUInt32LE(at);
    case 3:
      return Number(frame.readBigUInt64LE(at));
    default:
      return isSingleSegment ? frame[at]! : null;
  }
}

/** How a file that begins so is packed; null: it is plain. */
export const packingOf = (head: Uint8Array): Packing | null =>
  PACKINGS.find(({ magic }) => magic.every((byte, at) => head[at] === byte)) ?? null;

/**
 * What the chunks unpack to, a piece at a time: however small a file was packed, no more than a few pieces wait in memory.
 * Throws when the packed stream is damaged, ends too early, or ends before the chunks do.
 */
export async function* unpack(chunks: AsyncIterable<Buffer>, unpacker: Unpacker): AsyncGenerator<Buffer> {
  let failure: Error | null = null;
  let isDone = false;
  let wake = (): void => {};
  const done = (): void => {
    isDone = true;
    wake();
  };
  unpacker.on("readable", () => wake());
  unpacker.on("error", (error) => {
    failure = error;
    wake();
  });
  async function* piecesUntilDone(): AsyncGenerator<Buffer> {
    for (;;) {
      for (let piece = readPiece(unpacker); piece !== null; piece = readPiece(unpacker)) yield piece;
      if (failure !== null) throw failure;
      if (isDone) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  try {
    let given = 0;
    for await (const chunk of chunks) {
      isDone = false;
      given += chunk.length;
      unpacker.write(chunk, done);
      yield* piecesUntilDone();
      // Node unpacks the first of several zstd streams only, in silence.
      if (unpacker.bytesWritten < given) throw new Error("there is more behind its end");
    }
    // Only now, when all before it is out: an unpacker that fails, as at an early end, loses what it has in hand.
    isDone = false;
    unpacker.on("end", done).end();
    yield* piecesUntilDone();
  } finally {
    unpacker.destroy();
  }
}

type Unpacker = Gunzip | ZstdDecompress;

const readPiece = (unpacker: Unpacker): Buffer | null => unpacker.read();
