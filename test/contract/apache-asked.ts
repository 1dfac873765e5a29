import { statSync } from "node:fs";
import { basename } from "node:path";
import type { Apache } from "../apache.ts";

/** Whether Apache refuses this client. */
export async function isRefused(apache: Apache, from: string): Promise<boolean> {
  const { status } = await apache.request({ from, path: "/" });
  if (status !== 200 && status !== 403) throw new Error(`${from} got ${status}`);
  return status === 403;
}

/** Changes when the file is written again, or another takes its place. */
export function traceOf(file: string): string {
  const { ino, mtimeNs } = statSync(file, { bigint: true });
  return `${basename(file)} ${ino} ${mtimeNs}`;
}
