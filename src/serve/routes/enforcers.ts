import type { FastifyInstance } from "fastify";
import { SekishoError } from "../../model/errors.ts";
import type { Backend } from "../backend.ts";

export function enforcerRoutes(app: FastifyInstance, backend: Backend): void {
  app.post<{ Params: { name: string } }>("/api/enforcers/:name/apply", async (request, reply) => {
    const { name } = request.params;
    if (!(await backend.applyNow(name))) {
      throw new SekishoError("NOT_FOUND", `there is no enforcer '${name}'`, "GET /api/status names them");
    }
    reply.code(202);
  });
}
