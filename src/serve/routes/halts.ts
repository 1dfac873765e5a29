import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Backend } from "../backend.ts";
import { readInput } from "../input.ts";

const resetRequest = z.strictObject({ lift: z.boolean().default(false) });

/** The circuit breaker, and panic: what keeps rules from banning until a person lets them go on. */
export function haltRoutes(app: FastifyInstance, backend: Backend): void {
  app.post("/api/panic", () => backend.panic());

  app.delete("/api/panic", async (_request, reply) => {
    await backend.endPanic();
    reply.code(204);
  });

  app.post("/api/breaker/reset", async (request) => {
    const { lift } = readInput(resetRequest, request.body ?? {});
    return { lifted: await backend.resetBreaker(lift) };
  });
}
