import { getRequestListener } from "@hono/node-server";
import { silentLogger } from "@hawser/runtime";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createApi, type ApiOptions } from "./api.js";
import { isBelow, resolveBasePath } from "./http/base-path.js";

/** Answers one request of a `node:http` server. `next` is called for one that is not below `basePath`. */
export type ApiHandler = (request: IncomingMessage, response: ServerResponse, next?: () => void) => void;

/**
 * The HTTP API of a principal, for a `node:http` server that is there already and whatever is built upon one: `app.use(createApiHandler({ basePath: "/control/hawser", ... }))` in Express, in front
 * of its body parsers. Without `next` a request that is not below `basePath` is answered with 404.
 *
 * Bounds that need the connection are the server's: how many there are, and how long a request may take to come (`server.requestTimeout`, `server.headersTimeout`, `server.maxConnections`). Streams end when the
 * principal stops, so stop it before the server is closed.
 *
 * @throws HawserError `invalid_config` as `createApi`
 */
export function createApiHandler(options: ApiOptions): ApiHandler {
  const { logger = silentLogger } = options;
  const basePath = resolveBasePath(options.basePath);
  const app = createApi(options);
  // Without replacing the global Request and Response, which belong to the whole process.
  const listener = getRequestListener((request, parts) => app.fetch(request, parts), {
    overrideGlobalObjects: false,
  });
  return (request, response, next) => {
    const url = urlOf(request);
    if (next !== undefined && !isBelow(basePath, url.split("?", 1)[0] ?? "")) return next();
    request.url = url;
    listener(request, response).catch((err: unknown) => {
      response.destroy();
      logger.error({ err }, "the answer to a request threw");
    });
  };
}

/** As it was asked: Express and Connect shorten `url` below a path that something is mounted at, and keep it here. */
function urlOf(request: IncomingMessage): string {
  const original: unknown = "originalUrl" in request ? request.originalUrl : undefined;
  return typeof original === "string" ? original : (request.url ?? "");
}
