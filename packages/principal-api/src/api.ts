import type { ServedCertificate } from "@hawser/listener";
import type { Principal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { MAX_TIMER_DELAY_MS, silentLogger, systemRuntime, type Logger, type Runtime } from "@hawser/runtime";
import { Hono, type MiddlewareHandler } from "hono";
import type { EventLog } from "./event-log/event-log.js";
import type { Sinks } from "./sinks/sinks.js";
import type { ApiMetrics } from "./api-metrics.js";
import { agentEventRoutes } from "./routes/agent-event-routes.js";
import { agentRoutes } from "./routes/agent-routes.js";
import { tokensOf, type ApiTokens } from "./access/api-tokens.js";
import { auditLog } from "./access/audit-log.js";
import {
  authorization,
  DEFAULT_AUTHORIZE_TIMEOUT_MS,
  letEverybodyIn,
  type Authorize,
} from "./access/authorize.js";
import { NOWHERE, pathBelow, resolveBasePath } from "./http/base-path.js";
import { bearerToken } from "./access/bearer-token.js";
import { limitRequests } from "./http/client-shares.js";
import { documentationRoutes } from "./openapi/documentation-routes.js";
import { eventRoutes } from "./routes/event-routes.js";
import { lifecycleRoutes } from "./routes/lifecycle-routes.js";
import { FleetSnapshot } from "./routes/fleet-snapshot.js";
import { refuseParsedBodies } from "./http/body.js";
import type { ApiSecurity } from "./openapi/openapi-document.js";
import { problemResponse, requestIdOf, requestIds } from "./http/request.js";
import { apiHosts, refuseForeignPages } from "./http/request-source.js";
import { resourceRoutes } from "./routes/resource-routes.js";
import { Routes } from "./routes/routes.js";
import { sinkRoutes } from "./routes/sink-routes.js";
import { statusRoutes, type OpenFiles } from "./routes/status-routes.js";
import { DEFAULT_MAX_STREAMS, streamRoutes } from "./streams/stream-routes.js";
import { VERSION } from "./version.js";

/** A quarter of the connections there may be by default. */
export const DEFAULT_MAX_REQUESTS_PER_CLIENT = 256;

/** Whose API it is, and who may use it. */
export interface ApiOptions {
  readonly principal: Principal;
  /** Served at `/metrics`, and told of what happens here; absent, there is no such route. */
  readonly metrics?: ApiMetrics;
  /** What `/v1/info` answers. @default the version of this package */
  readonly version?: string;
  /**
   * What clients must show as `Authorization: Bearer <token>`, except for `/`, `/livez`, `/readyz`, `/openapi.json` and `/docs`: one token, or several that may be replaced
   * while the API serves. @default everybody is let in
   */
  readonly token?: string | ApiTokens;
  /** Who may ask, where that is not for a token to say: the users of the program this is in, for instance. In the place of `token`. @default everybody is let in */
  readonly authorize?: Authorize;
  /** How long `authorize` may take; beyond it the answer is 504 `timeout`. @default DEFAULT_AUTHORIZE_TIMEOUT_MS (5 s) */
  readonly authorizeTimeoutMs?: number;
  /**
   * What precedes the API's own paths in the requests it is given, where it is mounted into a server that has others: `/control/hawser`. Requests that are not below it are answered with 404. Leave it
   * out behind a proxy that takes the path away. @default ""
   */
  readonly basePath?: string;
  /** Names the API may be asked by, beside loopback names and `boundHost`; `*.example.org` stands for all below it. @default any, unless `boundHost` is loopback */
  readonly hosts?: readonly string[];
  /** Where it is served. `createApiServer` gives its own. @default unknown */
  readonly boundHost?: string;
  /** Streams that are open at once, half of them at most by one client (a token at an address); one more is refused with 503. @default DEFAULT_MAX_STREAMS (100) */
  readonly maxStreams?: number;
  /** Requests of one client that are under way; one more is refused with 429. @default DEFAULT_MAX_REQUESTS_PER_CLIENT (256) */
  readonly maxRequestsPerClient?: number;
  /** Hears of every request that may change something, of those that were refused, and of those that failed by a fault of this process. @default silent */
  readonly logger?: Logger;
  /** Told by `/v1/info`, so that `hawser doctor` sees a limit that is too low. @default not told */
  readonly openFiles?: OpenFiles;
  /** Told by `/v1/info`, so that `hawser doctor` warns before they end. @default not told */
  readonly certificates?: () => readonly ServedCertificate[];
  /** What agents sent, at `/v1/agent-events` and in its stream. @default none: these answer `not_found` */
  readonly eventLog?: EventLog;
  /** Where that goes, at `/v1/sinks`. @default none: these answer `not_found` */
  readonly sinks?: Sinks;
  /** Where request ids and the time come from. @default the real ones */
  readonly runtime?: Runtime;
}

/**
 * The HTTP API of a principal as a hono app. `createApiServer` serves it on a port of its own; `createApiHandler` is for a `node:http` server, Express or Fastify that is there already; an app of hono
 * hands its requests on: `app.all("/control/hawser/*", (context) => api.fetch(context.req.raw, context.env))`.
 *
 * Answers are JSON with the names of the views and times in RFC 3339; errors are `application/problem+json` (see `Problem`).
 *
 * @throws HawserError `invalid_config` for a weak token (see `weakTokenProblem`), for both `token` and `authorize`, for a `basePath` that is none
 */
export function createApi(options: ApiOptions): Hono {
  const { principal, metrics, eventLog, sinks, version = VERSION } = options;
  const { logger = silentLogger, runtime = systemRuntime() } = options;
  const { maxStreams = DEFAULT_MAX_STREAMS, maxRequestsPerClient = DEFAULT_MAX_REQUESTS_PER_CLIENT } =
    options;
  const basePath = resolveBasePath(options.basePath);
  const { authorize, security } = securityOf(options, runtime);
  const app = new Hono({ getPath: pathBelow(basePath) });
  app.use(requestIds(runtime.random));
  app.use(responseHeaders);
  app.use(auditLog(logger, runtime.clock, metrics?.requests ?? {}));
  app.use(refuseForeignPages(apiHosts(options.boundHost, options.hosts)));
  app.use(async (context, next) => {
    if (context.req.path === NOWHERE) return context.notFound();
    return next();
  });
  app.use(authorize);
  app.use(limitRequests(maxRequestsPerClient));
  app.use(refuseParsedBodies);
  const fleet = new FleetSnapshot(principal, runtime.clock);
  const routes = new Routes(app);
  statusRoutes(routes.of("Status"), {
    principal,
    fleet,
    version,
    startedAt: runtime.clock.wallTime(),
    metrics,
    openFiles: options.openFiles,
    certificates: options.certificates,
  });
  resourceRoutes(routes.of("Resources"), principal.resources);
  eventRoutes(routes.of("Events"), { principal, observer: metrics?.observer ?? {}, logger });
  agentRoutes(routes.of("Agents"), principal, fleet);
  agentEventRoutes(routes.of("Events"), eventLog);
  sinkRoutes(routes.of("Sinks"), sinks);
  const observer = metrics?.streams;
  streamRoutes(routes.of("Streams"), { principal, runtime, logger, maxStreams, eventLog, observer });
  lifecycleRoutes(routes.of("Lifecycle"), principal);
  documentationRoutes(routes.of("Documentation"), { app, version, security, basePath });
  routes.refuseOtherMethods();
  app.notFound((context) =>
    problemResponse(
      new HawserError("not_found", `there is nothing at ${new URL(context.req.url).pathname}`),
      logger,
      requestIdOf(context),
    ),
  );
  app.onError((error, context) => problemResponse(error, logger, requestIdOf(context)));
  return app;
}

/** Who may ask, and what the document says of it. */
function securityOf(
  { token, authorize, authorizeTimeoutMs: timeoutMs = DEFAULT_AUTHORIZE_TIMEOUT_MS }: ApiOptions,
  { clock, timers }: Runtime,
): { readonly authorize: MiddlewareHandler; readonly security: ApiSecurity } {
  if (token !== undefined && authorize !== undefined)
    throw new HawserError("invalid_config", "token and authorize exclude each other; give one of them");
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMER_DELAY_MS))
    throw new HawserError("invalid_config", `authorizeTimeoutMs must be above 0, not ${timeoutMs}`);
  if (authorize !== undefined)
    return { authorize: authorization(authorize, { timers, timeoutMs }), security: "own" };
  const tokens = tokensOf(token);
  if (tokens === undefined) return { authorize: letEverybodyIn, security: "none" };
  return { authorize: authorization(bearerToken(tokens, clock), { timers, timeoutMs }), security: "bearer" };
}

/** State changes at any time, and an entity tag does not cover status: nothing may be answered from a cache. */
const responseHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  if (!context.res.headers.has("cache-control")) context.res.headers.set("cache-control", "no-store");
  context.res.headers.set("x-content-type-options", "nosniff");
};
