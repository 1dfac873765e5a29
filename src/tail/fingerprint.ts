import { hash } from "node:crypto";
import { fstatSync, readSync } from "node:fs";
import type { Checkpoint, Fingerprint } from "../model/line.ts";

/** Bytes that tell one log from another whose inode it was given: a first line with its time. */
export const HEAD_LENGTH = 1_024;
/** Bytes before a checkpoint's offset that tell whether the file still is what was read: last lines with their times. */
export const TAIL_LENGTH = 1_024;
/** The kernel's clock for the times of files ticks 100 to 1,000 times a second, and lags behind the other by that. */
export const FILE_TIME_TICK_MS = 10;

/** How far a file has been read, and what tells that it still is the one that was read. */
export type Position = Pick<Checkpoint, "fingerprint" | "offset" | "tail">;

export const hashOf = (bytes: Uint8Array): string => hash("sha256", bytes);

/** Reads what identifies the open file now. An empty file has an empty head, which any content agrees with. */
export function fingerprintOf(descriptor: number): Fingerprint {
  const { dev, ino, size } = fstatSync(descriptor);
  const head = bytesAt(descriptor, 0, Math.min(size, HEAD_LENGTH));
  return { device: dev, inode: ino, head: hashOf(head), headLength: head.length };
}

/** The hash of what stands before `offset` in the open file. */
function tailAt(descriptor: number, offset: number): string {
  const length = Math.min(offset, TAIL_LENGTH);
  return hashOf(bytesAt(descriptor, offset - length, length));
}

/** True when the open file begins with what the other began with, and holds before the offset what was read there. */
export const hasContent = (descriptor: number, { fingerprint, offset, tail }: Position): boolean =>
  fstatSync(descriptor).size >= Math.max(offset, fingerprint.headLength) &&
  hashOf(bytesAt(descriptor, 0, fingerprint.headLength)) === fingerprint.head &&
  (tail === "" || tailAt(descriptor, offset) === tail);

/**
 * The checkpoint whose file the open one is: the same inode and content, or, where `mayBeCopied` says so, the same content
 * elsewhere. Of several it is the one that was read furthest. The device is not asked for, as a reboot may change it.
 */
export function checkpointOf<Each extends Position>(
  descriptor: number,
  checkpoints: readonly Each[],
  mayBeCopied: (fingerprint: Fingerprint) => boolean,
): Each | null {
  const { ino, size } = fstatSync(descriptor);
  const head = new Head(bytesAt(descriptor, 0, Math.min(size, HEAD_LENGTH)));
  const known = checkpoints.filter(
    (each) =>
      (each.fingerprint.inode === ino || mayBeCopied(each.fingerprint)) &&
      isRead(each) &&
      head.agreesWith(each.fingerprint) &&
      hasContent(descriptor, each),
  );
  return known.sort((a, b) => b.offset - a.offset)[0] ?? null;
}

/** A checkpoint at the beginning says nothing of a file's content. */
export const isRead = ({ offset, fingerprint }: Position): boolean =>
  offset > 0 && fingerprint.headLength > 0;

/** What a file begins with, to be compared with many fingerprints. */
export class Head {
  readonly #bytes: Buffer;
  readonly #hashes = new Map<number, string>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  agreesWith({ head, headLength }: Fingerprint): boolean {
    if (headLength > this.#bytes.length) return false;
    const known = this.#hashes.get(headLength) ?? hashOf(this.#bytes.subarray(0, headLength));
    this.#hashes.set(headLength, known);
    return known === head;
  }
}

export function bytesAt(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return length === 0 ? bytes : bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
}
