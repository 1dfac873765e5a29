import { existsSync } from "node:fs";
import { join, sep } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { SekishoError } from "../../model/errors.ts";

/** The built page. Vite names what is under assets/ by its content, so a browser may keep it for ever. */
export function pageRoutes(app: FastifyInstance, webRoot: string): void {
  app.register(fastifyStatic, {
    root: webRoot,
    dotfiles: "ignore",
    cacheControl: false,
    setHeaders: (reply, path) => {
      const hashed = path.startsWith(join(webRoot, "assets") + sep);
      reply.header("cache-control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
}

/** Before anything is started: a daemon without its page would look alive and show nothing. */
export function checkPage(webRoot: string): void {
  if (existsSync(join(webRoot, "index.html"))) return;
  throw new SekishoError(
    "WEB_PAGE_MISSING",
    `there is no dashboard page in ${webRoot}`,
    "build it: npm run build (npm ci does so by itself, unless it was told to ignore scripts)",
  );
}
