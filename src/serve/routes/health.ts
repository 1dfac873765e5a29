import type { FastifyInstance } from "fastify";
import type { Backend } from "../backend.ts";

/**
 * For whoever watches the watcher. It needs no token, so it shows nothing but that the server answers, and whether there was
 * too little room to count everybody.
 */
export function healthRoute(app: FastifyInstance, backend: Backend): void {
  app.get("/health", () => {
    const { givenUp, givenUpAt } = backend.counting();
    return { status: "ok", counting: { givenUp, givenUpAt } };
  });
}
