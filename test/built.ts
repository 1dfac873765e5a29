import { globSync, statSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** A file of dist/, which must have been built since the sources were changed. */
export function built(name: string): string {
  const file = join(ROOT, "dist", name);
  const lastBuilt = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newer = globSync("{src,web}/**/*.{ts,tsx,css,html}", { cwd: ROOT }).find(
    (source) => statSync(join(ROOT, source)).mtimeMs > lastBuilt,
  );
  if (newer !== undefined) throw new Error(`${newer} is newer than dist/${name}: npm run build`);
  return file;
}
