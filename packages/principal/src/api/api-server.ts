import { HawserError } from "@hawser/protocol";
import { systemRuntime, type Lifecycle, type Runtime } from "@hawser/runtime";
import { getRequestListener } from "@hono/node-server";
import { createServer, type Server } from "node:http";
import { bindPort } from "../listener/bind-port.js";
import type { BoundAddress } from "../listener/listener-options.js";
import { checkListenHost, checkListenPort, DEFAULT_LISTEN_HOST } from "../listener/listener-settings.js";
import { createApi, type ApiOptions } from "./api.js";

export interface ApiServerOptions extends ApiOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** From the first byte of a request to the end of its head. @default 10 s */
  readonly headersTimeoutMs?: number;
  /** From the first byte of a request to the end of its body. @default 30 s */
  readonly requestTimeoutMs?: number;
  /** Connections at once; more are closed when they come. @default 1024 */
  readonly maxConnections?: number;
  /** What `stop` gives requests that are being answered. @default 5 s */
  readonly stopGraceMs?: number;
  readonly runtime?: Runtime;
}

export const DEFAULT_API_SERVER_OPTIONS = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxConnections: 1024,
  stopGraceMs: 5_000,
} as const;

/** A connection on which nothing moves is closed after this; whoever reads an answer that slowly has gone. */
const IDLE_TIMEOUT_MS = 60_000;
/** How often the two timeouts above are held against the connections. */
const CHECK_INTERVAL_MS = 1_000;

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
  const app = createApi({ logger: runtime.logger, ...options });
  let server: Server | undefined;
  let stopping: Promise<void> = Promise.resolve();

  return {
    async start() {
      if (server !== undefined) throw new HawserError("internal", "this API server has been started already");
      await stopping;
      const created = createServer(
        {
          headersTimeout: settings.headersTimeoutMs,
          requestTimeout: settings.requestTimeoutMs,
          connectionsCheckingInterval: CHECK_INTERVAL_MS,
        },
        // Not answered by replacing the global Request and Response, which belong to the whole process.
        getRequestListener(app.fetch, { overrideGlobalObjects: false }),
      );
      created.timeout = IDLE_TIMEOUT_MS;
      created.maxConnections = settings.maxConnections;
      server = created;
      try {
        const bound = await bindPort(created, "api", { host, port });
        created.on("error", (err) => runtime.logger.error({ err }, "the API cannot accept a connection"));
        return bound;
      } catch (error) {
        if (server === created) server = undefined;
        throw error;
      }
    },
    stop() {
      if (server !== undefined) {
        stopping = closeServer(server, settings.stopGraceMs, runtime);
        server = undefined;
      }
      return stopping;
    },
  };
}

function closeServer(server: Server, graceMs: number, runtime: Runtime): Promise<void> {
  return new Promise((resolve) => {
    const grace = runtime.timers.after(graceMs, () => server.closeAllConnections());
    // Idle connections are closed by this too; the others once they have answered.
    server.close(() => {
      grace.cancel();
      resolve();
    });
  });
}
