import type { FastifyInstance } from "fastify";
import type { Backend } from "../backend.ts";

export function ruleRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/rules", async () => ({ items: await backend.rules(), next: null }));

  app.get<{ Params: { id: string } }>("/api/rules/:id/findings", (request) => ({
    items: backend.ruleFindings(request.params.id),
    next: null,
  }));
}
