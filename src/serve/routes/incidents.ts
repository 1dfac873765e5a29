import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { IncidentDetail } from "../../model/api.ts";
import { SekishoError } from "../../model/errors.ts";
import type { Backend } from "../backend.ts";
import { pageQuery, readInput, whole } from "../input.ts";

const state = z.enum(["open", "closed"]);
const listQuery = z.strictObject({ ...pageQuery, state: state.nullable().default(null) });
const params = z.strictObject({ id: whole(1, Number.MAX_SAFE_INTEGER) });
const change = z.strictObject({ state });

export function incidentRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/incidents", (request) => backend.incidents(readInput(listQuery, request.query)));

  app.get("/api/incidents/:id", (request) => found(backend, readInput(params, request.params).id));

  app.post("/api/incidents/:id", async (request) => {
    const { id } = readInput(params, request.params);
    await backend.setIncidentState(id, readInput(change, request.body).state);
    return found(backend, id);
  });
}

function found(backend: Backend, id: number): IncidentDetail {
  const incident = backend.incident(id);
  if (incident !== null) return incident;
  throw new SekishoError("NOT_FOUND", `there is no incident ${id}`, "GET /api/incidents lists them");
}
