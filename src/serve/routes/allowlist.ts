import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Backend } from "../backend.ts";
import { pathTarget, readInput, reason, target } from "../input.ts";

const allowRequest = z.strictObject({ target, reason: reason.default("") });

export function allowlistRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/allowlist", () => ({ items: backend.allowlist(), next: null }));

  app.post("/api/allowlist", async (request, reply) => {
    const wanted = readInput(allowRequest, request.body);
    const entry = { target: wanted.target, reason: wanted.reason === "" ? "allowed by hand" : wanted.reason };
    const lifted = await backend.allow(entry.target, entry.reason);
    reply.code(201);
    return { ...entry, lifted };
  });

  app.delete("/api/allowlist/*", async (request, reply) => {
    await backend.disallow(readInput(pathTarget, request.params)["*"]);
    reply.code(204);
  });
}
