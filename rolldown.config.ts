import { defineConfig } from "rolldown";

/**
 * The program as it is shipped: a file for each part that is loaded by itself, with the packages that it uses in it. Loading
 * hundreds of small files took a third of the time of a start.
 */
export default defineConfig({
  input: { main: "src/main.ts", worker: "src/ingest/worker.ts" },
  platform: "node",
  // It has a binary part, which it looks for beside itself.
  external: ["better-sqlite3"],
  output: {
    dir: "dist",
    cleanDir: true,
    // All in one folder: the program finds what is beside it, wherever its parts come to lie.
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  },
});
