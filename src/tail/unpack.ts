import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";

/** What a packed log begins with. No line of a log does: Apache escapes such bytes. */
const PACKINGS = [
  { name: "gzip", magic: [0x1f, 0x8b], unpacker: () => createGunzip({ chunkSize: 1 << 16 }) },
  {
    name: "zstd",
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    unpacker: () => createZstdDecompress({ chunkSize: 1 << 16 }),
  },
] as const;
export type Packing = (typeof PACKINGS)[number];

/** Enough to tell a packing by. */
export const MAGIC_LENGTH = 4;

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
