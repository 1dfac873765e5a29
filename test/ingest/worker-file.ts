import { globSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const ROOT = join(import.meta.dirname, "../..");
const built = join(ROOT, "dist/worker.js");
const lastBuilt = statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const newer = globSync("src/**/*.ts", { cwd: ROOT }).find(
  (file) => statSync(join(ROOT, file)).mtimeMs > lastBuilt,
);
if (newer !== undefined) throw new Error(`${newer} is newer than dist/worker.js: npm run build`);

/**
 * Takes the place of `src/ingest/worker-file.ts` in tests: threads run the built program. Node takes the types out of sources
 * with a WebAssembly program of its own, anew in each thread, and V8 was seen to crash when such a thread ended.
 */
export const WORKER_FILE = pathToFileURL(built);
