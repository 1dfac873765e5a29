import type { FastifyInstance } from "fastify";
import type { Backend } from "../backend.ts";
import { METRICS_TYPE, metricsText } from "../metrics.ts";

export function metricsRoute(app: FastifyInstance, backend: Backend): void {
  app.get("/metrics", (_request, reply) => reply.type(METRICS_TYPE).send(metricsText(backend.status())));
}
