import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { EXPORT_FORMATS } from "../../model/export.ts";
import type { Backend } from "../backend.ts";
import { readInput } from "../input.ts";

const query = z.strictObject({ format: z.enum(EXPORT_FORMATS).default("plain") });
/** A line each would be a packet each. */
const CHUNK_CHARACTERS = 16_384;

/** The bans for other programs. Text is made as fast as it is taken, so a slow reader holds up only himself. */
export function exportRoute(app: FastifyInstance, backend: Backend): void {
  app.get("/api/export", (request, reply) => {
    const { contentType, fileName, chunks } = backend.export(readInput(query, request.query).format);
    return reply
      .type(contentType)
      .header("content-disposition", `attachment; filename="sekisho-${fileName}"`)
      .header("cache-control", "no-store")
      .send(Readable.from(gathered(chunks), { highWaterMark: 1 }));
  });
}

function* gathered(chunks: Iterable<string>): Generator<string> {
  let text = "";
  for (const chunk of chunks) {
    text += chunk;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}
