import { DEFAULT_LISTEN_HOST, notAfterOf, resolveEndpoint, type BoundAddress } from "@hawser/listener";
import { HawserError } from "@hawser/protocol";
import { systemRuntime, type Lifecycle, type Runtime } from "@hawser/runtime";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { IncomingMessage } from "node:http";
import { tokensOf, type ApiTokens } from "./access/api-tokens.js";
import { createApi, type ApiOptions } from "./api.js";
import { bearerOf } from "./access/bearer-token.js";
import { HttpServing, type Answer, type ApiTls } from "./http/http-serving.js";
import type { ServingBindings } from "./http/served-by.js";

/** What the HTTP server is made of, and what it bounds. */
export interface ApiServerOptions extends Omit<ApiOptions, "boundHost"> {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Certificate and key, PEM: TLS 1.2 or newer, and HTTP/1.1 within. @default plaintext, for loopback or behind something that ends TLS */
  readonly tls?: ApiTls;
  /** From the first byte of a request (the first request: from the connection) to the end of a request's head. @default 10 s */
  readonly headersTimeoutMs?: number;
  /** From the first byte of a request to the end of its body. @default 30 s */
  readonly requestTimeoutMs?: number;
  /** Connections at once; one more takes the place of one that asks nothing, of the address with the most of them. @default 1024 */
  readonly maxConnections?: number;
  /** What `stop` gives requests that are being answered. @default 5 s */
  readonly stopGraceMs?: number;
  readonly runtime?: Runtime;
}

/** The HTTP server of an API. */
export interface ApiServer extends Lifecycle<BoundAddress> {
  /** Connections from here on get this certificate. Only for a server that has one. @throws HawserError `invalid_config`; the old one stays */
  secure(tls: ApiTls): void;
  /** When the certificate that it shows ends, in Unix milliseconds. Undefined without TLS. */
  readonly certificateNotAfter: number | undefined;
}

/** What holds for whatever `createApiServer` is not given; the reasons are at `ApiServerOptions`. */
export const DEFAULT_API_SERVER_OPTIONS = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxConnections: 1024,
  stopGraceMs: 5_000,
} as const;

/**
 * Serves `createApi` on a port of its own.
 *
 * `start` throws a HawserError `port_in_use` or `address_unavailable`; `stop` closes the port, lets running requests finish and then cuts the rest.
 *
 * @throws HawserError `invalid_config`
 */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { host = DEFAULT_LISTEN_HOST, port, runtime = systemRuntime() } = options;
  const endpoint = resolveEndpoint("api", { host, port });
  const tokens = tokensOf(options.token);
  const settings = {
    ...DEFAULT_API_SERVER_OPTIONS,
    ...options,
    connections: options.metrics?.requests,
    // Whom `authorize` lets in is known by its first request.
    mayAsk: ({ headers }: IncomingMessage) =>
      tokens === undefined ? options.authorize === undefined : isShown(tokens, headers.authorization),
  };
  if (!(settings.headersTimeoutMs > 0 && settings.headersTimeoutMs <= settings.requestTimeoutMs)) {
    throw new HawserError(
      "invalid_config",
      "api.headersTimeoutMs must be above 0 and not above api.requestTimeoutMs",
    );
  }
  const answer = answerOf(
    createApi({ logger: runtime.logger, ...options, ...(tokens && { token: tokens }), boundHost: host }),
  );
  let { tls } = options;
  // A certificate that is no good is found out now, and not when the port is bound.
  const make = (): HttpServing => new HttpServing(answer, { ...settings, tls }, runtime);
  let next: HttpServing | undefined = make();
  let serving: HttpServing | undefined;
  let stopping: Promise<void> = Promise.resolve();

  return {
    async start() {
      if (serving !== undefined)
        throw new HawserError(
          "invalid_state",
          "this API server has been started already; stop it before you start it again",
        );
      const started = next ?? make();
      next = undefined;
      serving = started;
      try {
        return await started.bind((server) => endpoint.bind(server));
      } catch (error) {
        if (serving === started) serving = undefined;
        throw error;
      }
    },
    stop() {
      if (serving !== undefined) stopping = serving.close();
      serving = undefined;
      return stopping;
    },
    get certificateNotAfter() {
      return tls === undefined ? undefined : notAfterOf(tls.cert);
    },
    secure(fresh) {
      if (tls === undefined) throw new HawserError("invalid_config", "this API was begun without TLS");
      (serving ?? next)?.secure(fresh);
      tls = fresh;
    },
  };
}

function isShown(tokens: ApiTokens, authorization: string | undefined): boolean {
  const token = bearerOf(authorization);
  return token !== undefined && tokens.callerOf(token) !== undefined;
}

function answerOf(app: Hono): Answer {
  return (incoming, outgoing, serving) => {
    const bindings: ServingBindings = { serving };
    // Without replacing the global Request and Response, which belong to the whole process.
    const listener = getRequestListener((request, parts) => app.fetch(request, { ...parts, ...bindings }), {
      overrideGlobalObjects: false,
    });
    return listener(incoming, outgoing);
  };
}
