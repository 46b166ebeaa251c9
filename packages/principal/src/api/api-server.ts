import { HawserError } from "@hawser/protocol";
import { systemRuntime, type Lifecycle, type Runtime } from "@hawser/runtime";
import type { BoundAddress } from "../listener/listener-options.js";
import { checkListenHost, checkListenPort, DEFAULT_LISTEN_HOST } from "../listener/listener-settings.js";
import { createApi, type ApiOptions } from "./api.js";
import { HttpServing } from "./http-serving.js";

/** What the HTTP server is made of, and what it bounds. */
export interface ApiServerOptions extends ApiOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** From the first byte of a request (the first request: from the connection) to the end of a request's head. @default 10 s */
  readonly headersTimeoutMs?: number;
  /** From the first byte of a request to the end of its body. @default 30 s */
  readonly requestTimeoutMs?: number;
  /** Connections at once; more are closed when they come. @default 1024 */
  readonly maxConnections?: number;
  /** What `stop` gives requests that are being answered. @default 5 s */
  readonly stopGraceMs?: number;
  readonly runtime?: Runtime;
}

/** What holds for whatever `createApiServer` is not given; the reasons are at `ApiServerOptions`. */
export const DEFAULT_API_SERVER_OPTIONS = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxConnections: 1024,
  stopGraceMs: 5_000,
} as const;

/**
 * Serves `createApi` on a port of its own, in plaintext: keep it on a loopback or private address, or behind something that ends TLS.
 *
 * `start` throws a HawserError `port_in_use` or `address_unavailable`; `stop` closes the port, lets running requests finish and then cuts the rest.
 *
 * @throws HawserError `invalid_config`
 */
export function createApiServer(options: ApiServerOptions): Lifecycle<BoundAddress> {
  const { host = DEFAULT_LISTEN_HOST, port, runtime = systemRuntime() } = options;
  const settings = { ...DEFAULT_API_SERVER_OPTIONS, ...options };
  checkListenHost("api.host", host);
  checkListenPort("api.port", port);
  if (!(settings.headersTimeoutMs > 0 && settings.headersTimeoutMs <= settings.requestTimeoutMs)) {
    throw new HawserError(
      "invalid_config",
      "api.headersTimeoutMs must be above 0 and not above api.requestTimeoutMs",
    );
  }
  const app = createApi({ logger: runtime.logger, ...options });
  let serving: HttpServing | undefined;
  let stopping: Promise<void> = Promise.resolve();

  return {
    async start() {
      if (serving !== undefined)
        throw new HawserError("internal", "this API server has been started already");
      const started = new HttpServing(app, settings, runtime);
      serving = started;
      try {
        return await started.bind({ host, port });
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
  };
}
