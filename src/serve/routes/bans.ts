import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { BAN_STATES } from "../../model/decision.ts";
import type { Backend } from "../backend.ts";
import { length, pageQuery, pathTarget, readInput, reason, target } from "../input.ts";

const listQuery = z.strictObject({
  ...pageQuery,
  state: z.enum(BAN_STATES).nullable().default(null),
  touching: target.nullable().default(null),
});
const params = z.strictObject({ target });
const banRequest = z.strictObject({
  target,
  /** Absent or null: as long as policy says. */
  for: length.nullable().default(null),
  reason: reason.default(""),
});

export function banRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/bans", (request) => backend.bans(readInput(listQuery, request.query)));

  app.get("/api/bans/reach", (request) => backend.banReach(readInput(params, request.query).target));

  app.post("/api/bans", async (request, reply) => {
    const wanted = readInput(banRequest, request.body);
    reply.code(201);
    return backend.ban({
      target: wanted.target,
      length: wanted.for,
      reason: wanted.reason === "" ? "banned by hand" : wanted.reason,
    });
  });

  app.delete("/api/bans/*", async (request, reply) => {
    await backend.unban(readInput(pathTarget, request.params)["*"]);
    reply.code(204);
  });
}
