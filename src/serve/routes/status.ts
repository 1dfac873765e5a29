import type { FastifyInstance } from "fastify";
import type { Backend } from "../backend.ts";

export function statusRoute(app: FastifyInstance, backend: Backend): void {
  app.get("/api/status", () => backend.status());
}
