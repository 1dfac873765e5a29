import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { SOCKET_STATES } from "../../model/socket.ts";
import type { Backend } from "../backend.ts";
import { client, pageQuery, readInput } from "../input.ts";

const listQuery = z.strictObject({
  ...pageQuery,
  state: z.enum(SOCKET_STATES).nullable().default(null),
  client: client.nullable().default(null),
});

export function socketRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/sockets", (request) => backend.sockets(readInput(listQuery, request.query)));
}
