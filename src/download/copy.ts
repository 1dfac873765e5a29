import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Keeps the last good copy of something: whoever reads it finds the old one or the new one, never a part. */
export function keepCopy(file: string, text: string | Buffer): void {
  const made = `${file}.new`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(made, text, { mode: 0o600 });
    renameSync(made, file);
  } catch (error) {
    // What a full disk took of it would keep the last room from all who write there.
    rmSync(made, { force: true });
    throw error;
  }
}
