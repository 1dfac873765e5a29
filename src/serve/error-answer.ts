import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ErrorBody } from "../model/api.ts";
import { ERROR_CODES, type ErrorCode, SekishoError } from "../model/errors.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

/** Where the HTTP status says more than the exit status does. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  ACCESS_DENIED: 401,
  HOST_REFUSED: 403,
  ORIGIN_REFUSED: 403,
  NOT_FOUND: 404,
  TARGET_NOT_BANNED: 404,
  TARGET_NOT_ALLOWLISTED: 404,
  ATTEMPTS_EXCEEDED: 429,
};
const STATUS_BY_EXIT: Readonly<Record<(typeof ERROR_CODES)[ErrorCode], number>> = {
  1: 409,
  2: 400,
  3: 503,
  70: 500,
};

const statusOf = (code: ErrorCode): number => STATUS[code] ?? STATUS_BY_EXIT[ERROR_CODES[code]];

const bodyOf = (code: ErrorCode, message: string, hint: string): ErrorBody => ({
  error: { code, message, hint },
});

/** Every error leaves here, as ErrorBody; what is a fault of ours says nothing of its inside. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (error instanceof SekishoError) {
    const status = statusOf(error.code);
    if (status >= 500) request.log.warn({ code: error.code, err: error.cause }, error.message);
    if (status === 401) reply.header("www-authenticate", 'Bearer realm="sekisho"');
    reply.code(status).send(bodyOf(error.code, error.message, error.hint));
    return;
  }
  const status = statusOfFastify(error);
  if (status !== null) {
    reply.code(status).send(bodyOf("USAGE", whatWasWrong(status), "see docs/http-api.md"));
    return;
  }
  request.log.error({ err: error }, "request failed");
  reply
    .code(500)
    .send(bodyOf("INTERNAL", "a fault in Sekisho", "the daemon's log has the details; please report it"));
}

export function answerNotFound(_request: FastifyRequest, reply: FastifyReply): void {
  reply.code(404).send(bodyOf("NOT_FOUND", "there is nothing here", "the routes are in docs/http-api.md"));
}

/** What Node could not read as HTTP never reaches a route or a hook, so it is answered on the socket. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
  const body = JSON.stringify(
    bodyOf("USAGE", "that was not a readable HTTP request", "see docs/http-api.md"),
  );
  const headers = { ...SECURITY_HEADERS, "content-type": "application/json", "content-length": body.length };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status}`, ...lines, "connection: close", "", body].join("\r\n"));
}

function statusOfFastify(error: unknown): number | null {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : null;
  return typeof status === "number" && status >= 400 && status < 500 ? status : null;
}

function whatWasWrong(status: number): string {
  switch (status) {
    case 413:
      return "the body is larger than 16 KiB";
    case 414:
      return "the URL is too long";
    case 415:
      return "the body must be JSON, with Content-Type: application/json";
    default:
      return "the URL or the body cannot be read; a body must be one JSON object";
  }
}
