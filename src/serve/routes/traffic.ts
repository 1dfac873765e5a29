import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Page, TrafficPoint } from "../../model/api.ts";
import type { Backend } from "../backend.ts";
import { readInput, whole } from "../input.ts";

const MINUTES_A_WEEK = 10_080;
const query = z.strictObject({ minutes: whole(1, MINUTES_A_WEEK).default(60) });

export function trafficRoute(app: FastifyInstance, backend: Backend): void {
  app.get("/api/traffic", (request): Page<TrafficPoint> => {
    return { items: backend.traffic(readInput(query, request.query).minutes), next: null };
  });
}
