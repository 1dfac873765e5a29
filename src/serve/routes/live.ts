import type { FastifyInstance } from "fastify";
import { SekishoError } from "../../model/errors.ts";
import type { Access } from "../auth.ts";
import type { LiveStreams } from "../live.ts";

export function liveRoute(app: FastifyInstance, live: LiveStreams, access: Access): void {
  // A HEAD of it would be a stream that nobody reads.
  app.get("/api/live", { exposeHeadRoute: false }, (request, reply) => {
    const visitor = request.visitor!;
    const body = live.open(() => access.isWelcome(visitor));
    if (body === null) {
      throw new SekishoError(
        "LIVE_FULL",
        "too many live streams are open",
        "close some dashboards, or ask GET /api/status",
      );
    }
    // nginx buffers answers unless it is told not to.
    return reply.type("text/event-stream; charset=utf-8").header("x-accel-buffering", "no").send(body);
  });
}
