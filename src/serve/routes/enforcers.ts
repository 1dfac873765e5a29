import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { SekishoError } from "../../model/errors.ts";
import type { History } from "../../model/generation.ts";
import type { Backend } from "../backend.ts";
import { readInput, whole } from "../input.ts";

type Named = { Params: { name: string } };

const generationPath = z.object({ generation: whole(0, Number.MAX_SAFE_INTEGER) });
const rollbackRequest = z.strictObject({ generation: z.number().int().min(1) });

export function enforcerRoutes(app: FastifyInstance, backend: Backend): void {
  app.post<Named>("/api/enforcers/:name/apply", async (request, reply) => {
    const { name } = request.params;
    if (!(await backend.applyNow(name))) throw unknownEnforcer(name);
    reply.code(202);
  });

  app.get<Named>("/api/enforcers/:name/generations", async (request) => {
    return { ...(await historyOf(backend, request.params.name).list()), next: null };
  });

  app.get<Named>("/api/enforcers/:name/generations/:generation", (request) => {
    const { generation } = readInput(generationPath, request.params);
    return historyOf(backend, request.params.name).changes(generation);
  });

  app.post<Named>("/api/enforcers/:name/rollback", (request) => {
    const { generation } = readInput(rollbackRequest, request.body);
    return historyOf(backend, request.params.name).goTo(generation);
  });

  app.post<Named>("/api/enforcers/:name/resume", (request) =>
    historyOf(backend, request.params.name).goTo(null),
  );
}

function historyOf(backend: Backend, name: string): History {
  const history = backend.history(name);
  if (history !== null) return history;
  if (backend.status().enforcers.every((enforcer) => enforcer.name !== name)) throw unknownEnforcer(name);
  throw new SekishoError(
    "NOT_FOUND",
    `the enforcer '${name}' keeps no generations`,
    "apache-include does: the others have no file that Apache would have to read anew",
  );
}

const unknownEnforcer = (name: string): SekishoError =>
  new SekishoError(
    "NOT_FOUND",
    `there is no enforcer '${name}'`,
    "sekisho status and GET /api/status name those that there are",
  );
