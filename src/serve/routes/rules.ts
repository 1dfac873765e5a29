import type { FastifyInstance } from "fastify";
import type { Backend } from "../backend.ts";

export function ruleRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/rules", async () => ({ items: await backend.rules(), next: null }));
}
