import type { FastifyInstance } from "fastify";

/** For whoever watches the watcher: it needs no token, so it shows nothing but that the server answers. */
export function healthRoute(app: FastifyInstance): void {
  app.get("/health", () => ({ status: "ok" }));
}
