import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Page, SocketHolder } from "../../model/api.ts";
import { SOCKET_STATES } from "../../model/socket.ts";
import type { Backend } from "../backend.ts";
import { client, pageQuery, readInput } from "../input.ts";

const listQuery = z.strictObject({
  ...pageQuery,
  state: z.enum(SOCKET_STATES).nullable().default(null),
  client: client.nullable().default(null),
});

/** A storm has many; whoever holds most stands first. */
const HOLDERS = 50;

export function socketRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/sockets", (request) => backend.sockets(readInput(listQuery, request.query)));

  app.get("/api/sockets/holders", (): Page<SocketHolder> => {
    return { items: backend.socketHolders(HOLDERS), next: null };
  });
}
