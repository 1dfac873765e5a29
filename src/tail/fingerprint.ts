import { createHash } from "node:crypto";
import { fstatSync, readSync } from "node:fs";
import type { Fingerprint } from "../model/line.ts";

/** Bytes that tell one log from another whose inode it was given: a first line with its time. */
export const HEAD_LENGTH = 1_024;

/** Reads what identifies the open file now. An empty file has an empty head, which any content agrees with. */
export function fingerprintOf(descriptor: number): Fingerprint {
  const { dev, ino, size } = fstatSync(descriptor);
  const headLength = Math.min(size, HEAD_LENGTH);
  return { device: dev, inode: ino, head: hashOfHead(descriptor, headLength), headLength };
}

function hashOfHead(descriptor: number, length: number): string {
  const head = Buffer.alloc(length);
  const read = length === 0 ? 0 : readSync(descriptor, head, 0, length, 0);
  return createHash("sha256").update(head.subarray(0, read)).digest("hex");
}

/** True when the open file still begins with the bytes that the fingerprint was taken of. */
export const hasHead = (descriptor: number, { head, headLength }: Fingerprint): boolean =>
  fstatSync(descriptor).size >= headLength && hashOfHead(descriptor, headLength) === head;

/** True when a checkpoint belongs to the open file: same place on disk, same beginning, at least as long. */
export function isSameFile(descriptor: number, fingerprint: Fingerprint, offset: number): boolean {
  const { dev, ino, size } = fstatSync(descriptor);
  return (
    dev === fingerprint.device &&
    ino === fingerprint.inode &&
    size >= offset &&
    hasHead(descriptor, fingerprint)
  );
}
