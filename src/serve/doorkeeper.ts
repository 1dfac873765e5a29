import type { FastifyReply, FastifyRequest } from "fastify";
import { SekishoError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { type Access, Attempts, type Visitor } from "./auth.ts";
import type { Presence } from "./presence.ts";
import { checkFetchSite, checkOrigin, checkOwnPage, type OwnHost, ownHost } from "./request-origin.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

export const SESSION_COOKIE = "sekisho";

declare module "fastify" {
  interface FastifyRequest {
    ownHost: OwnHost;
    /** Null only on the routes that need no access. */
    visitor: Visitor | null;
  }
}

/** What a request passes before its route, outermost first. */
export class Doorkeeper {
  readonly #access: Access;
  readonly #hosts: readonly string[];
  readonly #attempts: Attempts;
  readonly #presence: Presence;

  constructor(access: Access, hosts: readonly string[], clock: Clock, presence: Presence) {
    this.#access = access;
    this.#presence = presence;
    this.#hosts = hosts;
    this.#attempts = new Attempts(clock);
  }

  /** Every request, that of a file or of nothing included. */
  readonly enter = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers(SECURITY_HEADERS);
    request.ownHost = ownHost(request.headers.host, this.#hosts);
    checkOrigin(request.headers.origin, request.ownHost);
  };

  /** What only our own page and programs may call. */
  readonly enterApi = (request: FastifyRequest): void => {
    checkFetchSite(fetchSite(request));
  };

  /** What needs the token or a session. */
  readonly admit = (request: FastifyRequest, reply: FastifyReply): void => {
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    // Another scheme is for a proxy in front of us, so the cookie still counts.
    const cookie = request.cookies[SESSION_COOKIE];
    if (bearer !== undefined) request.visitor = this.#access.byToken(bearer);
    else if (cookie !== undefined) request.visitor = this.#access.bySession(cookie);
    if (request.visitor === null) throw bearer === undefined ? denied() : this.failed(reply, denied());
    if (request.visitor.kind === "session" && request.method !== "GET" && request.method !== "HEAD") {
      checkOwnPage(request.headers.origin, fetchSite(request), request.ownHost);
    }
    this.#presence.note(request.visitor, request.socket.remoteAddress, request.headers["x-forwarded-for"]);
  };

  /**
   * Counts a failed attempt, and gives the error to answer with. Only who fails is slowed down: a good token, code or
   * session is never asked how often others failed. A session that has ended is no attempt, as open pages send it.
   */
  failed(reply: FastifyReply, error: SekishoError): SekishoError {
    const wait = this.#attempts.fail();
    if (wait === null) {
      reply.log.warn({ remote: reply.request.ip }, error.message);
      return error;
    }
    reply.header("retry-after", wait);
    return new SekishoError(
      "ATTEMPTS_EXCEEDED",
      "too many failed attempts to sign in",
      `try again in ${wait} s`,
    );
  }
}

const denied = (): SekishoError =>
  new SekishoError(
    "ACCESS_DENIED",
    "this needs the access token or a session",
    "send Authorization: Bearer TOKEN (the file `token` in the data directory), or open the link that `sekisho link` prints",
  );

/** A list of values is a forgery, which matches nothing that is let through. */
const fetchSite = (request: FastifyRequest): string | undefined =>
  request.headers["sec-fetch-site"]?.toString();
