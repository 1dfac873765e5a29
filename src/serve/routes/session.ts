import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { SekishoError } from "../../model/errors.ts";
import { type Access, SESSION_LIFE_SECONDS } from "../auth.ts";
import { type Doorkeeper, SESSION_COOKIE } from "../doorkeeper.ts";
import { readInput } from "../input.ts";
import type { LiveStreams } from "../live.ts";
import type { Presence } from "../presence.ts";
import { checkSignIn, needsSecureCookie } from "../request-origin.ts";

const secret = z.string().min(1).max(512);
const proof = z.union([z.strictObject({ code: secret }), z.strictObject({ token: secret })], {
  error: "send {code} or {token}, and nothing else",
});
const COOKIE = { httpOnly: true, sameSite: "strict", path: "/" } as const;

/** Opens a session for the holder of a one-time code or of the token. */
export function signInRoute(app: FastifyInstance, access: Access, doorkeeper: Doorkeeper): void {
  app.post("/api/session", (request, reply) => {
    const { origin } = request.headers;
    checkSignIn(origin, request.ownHost);
    const sent = readInput(proof, request.body);
    const id = "code" in sent ? access.redeemCode(sent.code) : access.redeemToken(sent.token);
    if (id === null) {
      throw doorkeeper.failed(
        reply,
        new SekishoError(
          "ACCESS_DENIED",
          "code" in sent ? "the code is wrong, used or older than ten minutes" : "the token is wrong",
          "take the token from the file `token` in the data directory, or run `sekisho link` for a new link",
        ),
      );
    }
    const secure = needsSecureCookie(origin, request.ownHost);
    return reply
      .setCookie(SESSION_COOKIE, id, { ...COOKIE, secure, maxAge: SESSION_LIFE_SECONDS })
      .code(204)
      .send();
  });
}

/** One code, for a browser on this host, and for one elsewhere where the page has a name. */
export interface Links {
  readonly link: string;
  readonly elsewhere: string | null;
}

/** A new link to sign in by. Whoever has a session only is given none, or one that is signed out could come back. */
export function linkRoute(app: FastifyInstance, links: () => Links): void {
  app.post("/api/session/link", (request, reply) => {
    if (request.visitor!.kind !== "token") {
      throw new SekishoError(
        "ACCESS_DENIED",
        "a link is given to who has the token, and to no session",
        "run `sekisho link` on the host",
      );
    }
    return reply.code(201).send(links());
  });
}

export function signOutRoute(
  app: FastifyInstance,
  access: Access,
  live: LiveStreams,
  presence: Presence,
): void {
  app.delete("/api/session", (request, reply) => {
    access.end(request.visitor!);
    live.dropUnwelcome();
    presence.sweep();
    return reply.clearCookie(SESSION_COOKIE, COOKIE).code(204).send();
  });
}
