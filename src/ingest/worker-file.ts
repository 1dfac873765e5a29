/** The ingestion thread's program: beside this one, built as this one is or not. */
export const WORKER_FILE = new URL(
  `./worker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
  import.meta.url,
);
