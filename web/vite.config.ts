import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    // The server's policy allows neither inline code nor data: fonts, so everything is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
