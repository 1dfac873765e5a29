import type { AddressInfo } from "node:net";
import fastifyCookie from "@fastify/cookie";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { pino } from "pino";
import type { Clock } from "../model/time.ts";
import { checkAccessToken } from "./access-token.ts";
import { Access } from "./auth.ts";
import type { Backend } from "./backend.ts";
import { Connections } from "./connections.ts";
import { Doorkeeper } from "./doorkeeper.ts";
import { answerBrokenRequest, answerError, answerNotFound } from "./error-answer.ts";
import { type Listen, listenError, listenHost, namedUrl, pageUrl, urlOf } from "./listen.ts";
import { LiveStreams } from "./live.ts";
import { Presence } from "./presence.ts";
import { allowlistRoutes } from "./routes/allowlist.ts";
import { banRoutes } from "./routes/bans.ts";
import { enforcerRoutes } from "./routes/enforcers.ts";
import { eventRoutes } from "./routes/events.ts";
import { exportRoute } from "./routes/export.ts";
import { haltRoutes } from "./routes/halts.ts";
import { healthRoute } from "./routes/health.ts";
import { incidentRoutes } from "./routes/incidents.ts";
import { listRoutes } from "./routes/lists.ts";
import { liveRoute } from "./routes/live.ts";
import { metricsRoute } from "./routes/metrics.ts";
import { checkPage, pageRoutes } from "./routes/page.ts";
import { ruleRoutes } from "./routes/rules.ts";
import { type Links, linkRoute, signInRoute, signOutRoute } from "./routes/session.ts";
import { socketRoutes } from "./routes/sockets.ts";
import { statusRoute } from "./routes/status.ts";
import { trafficRoute } from "./routes/traffic.ts";

const BODY_LIMIT_BYTES = 16_384;
const REQUEST_TIMEOUT_MS = 30_000;
/** Answers under way at the end get this long. */
const CLOSE_GRACE_MS = 500;

export interface ServerOptions {
  readonly backend: Backend;
  readonly listen: Listen;
  /** Permits a listen address that other machines can reach. */
  readonly allowRemote: boolean;
  /** Host names beside loopback's that may be asked for, with a port or for any. */
  readonly hosts: readonly string[];
  readonly token: string;
  /** The built page: index.html and assets/. */
  readonly webRoot: string;
  readonly logger?: FastifyBaseLogger;
  readonly clock: Clock;
}

export interface Server extends AsyncDisposable {
  /** `http://127.0.0.1:7080`, with the true port. */
  readonly url: string;
  /** A new link that signs one browser in, once, within ten minutes. */
  link(): string;
  close(): Promise<void>;
}

/** Throws LISTEN_EXPOSED, TOKEN_WEAK, WEB_PAGE_MISSING, PORT_IN_USE or LISTEN_FAILED, and leaves nothing behind then. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const host = listenHost(options);
  checkAccessToken(options.token, [host, ...options.hosts]);
  checkPage(options.webRoot);
  const access = new Access(options.token, options.clock);
  const live = new LiveStreams(options.backend);
  const app = compose(options, access, live, () => links());
  try {
    await app.listen({ host, port: options.listen.port, listenTextResolver: () => "listening" });
  } catch (cause) {
    await app.close();
    throw await listenError(cause, host, options.listen.port);
  }
  const url = urlOf(host, (app.server.address() as AddressInfo).port);
  const links = (): Links => {
    const [here, named] = [
      pageUrl(url, host, options.hosts),
      namedUrl(Number(new URL(url).port), options.hosts),
    ];
    const entry = `/#code=${access.newCode()}`;
    return { link: here + entry, elsewhere: named === null || named === here ? null : named + entry };
  };
  const link = (): string => links().link;
  const close = (): Promise<void> => app.close();
  return {
    url,
    link,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Three rings: what everybody may ask, what only our page and programs may, and what needs access. */
function compose(
  options: ServerOptions,
  access: Access,
  live: LiveStreams,
  links: () => Links,
): FastifyInstance {
  const { backend } = options;
  const presence = new Presence(access, options.clock, (targets) => backend.protectPresent(targets));
  const doorkeeper = new Doorkeeper(access, options.hosts, options.clock, presence);
  const app = bareApp(options.logger ?? pino({ level: "warn" }, pino.destination(2)), doorkeeper);
  const connections = new Connections();
  connections.watch(app.server);
  app.addHook("onRequest", async (request, reply) => doorkeeper.enter(request, reply));
  app.addHook("preClose", async () => {
    live.close();
    presence[Symbol.dispose]();
    setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS).unref();
  });
  healthRoute(app, backend);
  pageRoutes(app, options.webRoot);
  app.register(async (api) => {
    api.addHook("onRequest", async (request) => doorkeeper.enterApi(request));
    signInRoute(api, access, doorkeeper);
    api.register(async (closed) => {
      closed.addHook("onRequest", async (request, reply) => {
        doorkeeper.admit(request, reply);
        connections.admit(request.socket);
      });
      statusRoute(closed, backend);
      incidentRoutes(closed, backend);
      banRoutes(closed, backend);
      exportRoute(closed, backend);
      listRoutes(closed, backend);
      allowlistRoutes(closed, backend);
      ruleRoutes(closed, backend);
      eventRoutes(closed, backend);
      socketRoutes(closed, backend);
      trafficRoute(closed, backend);
      enforcerRoutes(closed, backend);
      haltRoutes(closed, backend);
      liveRoute(closed, live, access);
      metricsRoute(closed, backend);
      linkRoute(closed, links);
      signOutRoute(closed, access, live, presence);
    });
  });
  return app;
}

/** What is sent is read by zod. Fastify's own compilers would be loaded all the same, and take longer than all else of a start. */
const NO_SCHEMAS = {
  compilersFactory: {
    buildValidator: () => noSchema,
    buildSerializer: () => noSchema,
  },
};
const noSchema = (): never => {
  throw new Error("routes have no JSON Schemas");
};

function bareApp(logger: FastifyBaseLogger, doorkeeper: Doorkeeper): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    // Fastify would log URLs and, with an error, whole requests; our own line below names the route instead.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: "idle",
    schemaController: NO_SCHEMAS,
    clientErrorHandler: answerBrokenRequest,
    // A URL that cannot be decoded reaches no hook.
    frameworkErrors: (error, request, reply) => {
      try {
        doorkeeper.enter(request, reply);
        answerError(error, request, reply);
      } catch (refusal) {
        answerError(refusal, request, reply);
      }
    },
  });
  app.decorateRequest("ownHost");
  app.decorateRequest("visitor", null);
  app.register(fastifyCookie);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  takeOnlyJson(app);
  app.addHook("onResponse", async (request, reply) => {
    const { method, routeOptions } = request;
    const took = Math.round(reply.elapsedTime);
    request.log.info(
      { method, route: routeOptions.url ?? null, status: reply.statusCode, ms: took },
      "answered",
    );
  });
  return app;
}

/** Fastify also takes text/plain, which forms of other sites can send. An empty body is no body, whatever its type. */
function takeOnlyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else parse(request, body.toString(), done);
  });
}
