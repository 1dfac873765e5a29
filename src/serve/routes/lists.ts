import type { FastifyInstance } from "fastify";
import { SekishoError } from "../../model/errors.ts";
import type { Backend } from "../backend.ts";

export function listRoutes(app: FastifyInstance, backend: Backend): void {
  app.get("/api/lists", () => ({ items: backend.lists(), next: null }));

  app.post<{ Params: { name: string } }>("/api/lists/:name/fetch", async (request) => {
    const { name } = request.params;
    const list = await backend.fetchList(name);
    if (list !== null) return list;
    throw new SekishoError("NOT_FOUND", `there is no list '${name}'`, "GET /api/lists names them");
  });
}
