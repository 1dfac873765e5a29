import { pathToFileURL } from "node:url";
import { built } from "../built.ts";

/**
 * Takes the place of `src/ingest/worker-file.ts` in tests: threads run the built program. Node takes the types out of sources
 * with a WebAssembly program of its own, anew in each thread, and V8 was seen to crash when such a thread ended.
 */
export const WORKER_FILE = pathToFileURL(built("worker.js"));
