import type { FastifyInstance } from "fastify";
import type { Backend } from "../backend.ts";

export function listRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/lists", () => ({ items: backend.lists(), next: null }));
}
