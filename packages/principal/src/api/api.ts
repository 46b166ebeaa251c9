import { HawserError } from "@hawser/protocol";
import { silentLogger, systemRuntime, type Logger, type Runtime } from "@hawser/runtime";
import { Hono, type MiddlewareHandler } from "hono";
import type { Principal } from "../principal.js";
import { VERSION } from "../version.js";
import { agentRoutes } from "./agent-routes.js";
import { bearerToken } from "./bearer-token.js";
import { documentationRoutes } from "./documentation-routes.js";
import { eventRoutes } from "./event-routes.js";
import { lifecycleRoutes } from "./lifecycle-routes.js";
import { FleetSnapshot } from "./fleet-snapshot.js";
import type { Metrics } from "./metrics.js";
import { problemResponse } from "./problem.js";
import { requestIdOf, requestIds } from "./request-id.js";
import { resourceRoutes } from "./resource-routes.js";
import { statusRoutes } from "./status-routes.js";
import { DEFAULT_MAX_STREAMS, streamRoutes } from "./streams/stream-routes.js";

/** Whose API it is, and who may use it. */
export interface ApiOptions {
  readonly principal: Principal;
  /** Served at `/metrics`, and told of events that are refused here; absent, there is no such route. */
  readonly metrics?: Pick<Metrics, "registry" | "observer"> & Partial<Pick<Metrics, "streams">>;
  /** What `/v1/info` answers. @default the version of this package */
  readonly version?: string;
  /** What clients must show as `Authorization: Bearer <token>`, except for `/livez`, `/readyz`, `/openapi.json` and `/docs`. @default everybody is let in */
  readonly token?: string;
  /** Streams that are open at once; one more is refused with 503. @default DEFAULT_MAX_STREAMS (100) */
  readonly maxStreams?: number;
  /** Hears of requests that failed by a fault of this process. @default silent */
  readonly logger?: Logger;
  /** Where request ids and the time come from. @default the real ones */
  readonly runtime?: Runtime;
}

/**
 * The HTTP API of a principal as a hono app: to be served by `createApiServer`, or mounted into an app that is there already.
 *
 * Answers are JSON with the names of the views and times in RFC 3339; errors are `application/problem+json` (see `Problem`).
 *
 * @throws HawserError `invalid_config` for a token that no header can carry
 */
export function createApi(options: ApiOptions): Hono {
  const { principal, metrics, version, token, logger = silentLogger, runtime = systemRuntime() } = options;
  const { maxStreams = DEFAULT_MAX_STREAMS } = options;
  const app = new Hono();
  app.use(requestIds(runtime.random));
  app.use(responseHeaders);
  app.use(refuseForeignPages);
  if (token !== undefined) app.use(bearerToken(token));
  const fleet = new FleetSnapshot(principal, runtime.clock);
  statusRoutes(app, {
    principal,
    fleet,
    version: version ?? VERSION,
    startedAt: runtime.clock.wallTime(),
    registry: metrics?.registry,
  });
  resourceRoutes(app, principal.resources);
  eventRoutes(app, principal, metrics?.observer ?? {}, logger);
  agentRoutes(app, principal, fleet);
  streamRoutes(app, { principal, runtime, logger, maxStreams, observer: metrics?.streams });
  lifecycleRoutes(app, principal);
  documentationRoutes(app, version ?? VERSION, token !== undefined);
  app.notFound((context) =>
    problemResponse(
      new HawserError("not_found", `there is nothing at ${context.req.path}`),
      logger,
      requestIdOf(context),
    ),
  );
  app.onError((error, context) => problemResponse(error, logger, requestIdOf(context)));
  return app;
}

/** State changes at any time, and an entity tag does not cover status: nothing may be answered from a cache. */
const responseHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  context.res.headers.set("cache-control", "no-store");
  context.res.headers.set("x-content-type-options", "nosniff");
};

/**
 * A browser sends some requests for any page it shows, also to a loopback address: without this, a web page could change what an API without a token holds.
 */
const refuseForeignPages: MiddlewareHandler = async (context, next) => {
  const site = context.req.header("sec-fetch-site");
  const reads = context.req.method === "GET" || context.req.method === "HEAD";
  if (!reads && (site === "cross-site" || site === "same-site")) {
    throw new HawserError("forbidden", "a page of another origin may not change anything here");
  }
  await next();
};
