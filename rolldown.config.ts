import http from "node:http";
import { defineConfig, type Plugin } from "rolldown";

/** What node:http exports as it is: its WebSocket is loaded with all of Node's own fetch once anybody looks at it. */
const PLAIN = Object.entries(Object.getOwnPropertyDescriptors(http)).flatMap(([name, { get }]) =>
  get ? [] : [name],
);

/** An import statement looks at all that node:http exports, which takes longer than all of Node's own start. */
const httpAlone: Plugin = {
  name: "http-alone",
  resolveId: (id, _importer, { kind }) =>
    id === "node:http" && kind === "import-statement" ? "\0http-alone" : null,
  load: (id) =>
    id === "\0http-alone"
      ? `const http = process.getBuiltinModule("node:http");
         export default http;
         export const { ${PLAIN.join(", ")} } = http;`
      : null,
};

/**
 * The program as it is shipped: a file for each part that is loaded by itself, with the packages that it uses in it. Loading
 * hundreds of small files took a third of the time of a start.
 */
export default defineConfig({
  input: { main: "src/main.ts", worker: "src/ingest/worker.ts" },
  platform: "node",
  // It has a binary part, which it looks for beside itself.
  external: ["better-sqlite3"],
  plugins: [httpAlone],
  output: {
    dir: "dist",
    cleanDir: true,
    // All in one folder: the program finds what is beside it, wherever its parts come to lie.
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  },
});
