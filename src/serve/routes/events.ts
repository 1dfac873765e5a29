import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { type LogEvent, noEvents } from "../../model/event.ts";
import type { Backend } from "../backend.ts";
import { client, pageQuery, readInput } from "../input.ts";

const kinds = Object.keys(noEvents()) as LogEvent["kind"][];
const listQuery = z.strictObject({
  ...pageQuery,
  client: client.nullable().default(null),
  kind: z.enum(kinds).nullable().default(null),
});

export function eventRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/events", (request) => backend.events(readInput(listQuery, request.query)));
}
