import type { Runtime } from "@hawser/runtime";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { setMaxListeners } from "node:events";
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import type { ServingBindings } from "./closing.js";
import { bindPort } from "../listener/bind-port.js";
import type { BoundAddress } from "../listener/listener-options.js";

export interface HttpServingSettings {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
  readonly stopGraceMs: number;
}

/** A connection on which nothing moves is closed after this; whoever reads an answer that slowly has gone. */
const IDLE_TIMEOUT_MS = 60_000;
/** How often at least the timeouts of requests are held against the connections. */
const MAX_CHECK_INTERVAL_MS = 1_000;

/** One life of an HTTP server, from bind to close: nothing a client does or leaves undone can hold it up for longer than its timeouts. */
export class HttpServing {
  readonly #server: Server;
  readonly #settings: HttpServingSettings;
  readonly #runtime: Runtime;
  /** Connections without a request so far, which Node does not count among the idle ones. */
  readonly #unused = new Set<Socket>();
  readonly #closing = new AbortController();

  constructor(app: Hono, settings: HttpServingSettings, runtime: Runtime) {
    this.#settings = settings;
    this.#runtime = runtime;
    // One listener for each stream, of which there may be more than the ten that Node warns of.
    setMaxListeners(0, this.#closing.signal);
    const { headersTimeoutMs: headersTimeout, requestTimeoutMs: requestTimeout } = settings;
    const connectionsCheckingInterval = Math.min(MAX_CHECK_INTERVAL_MS, headersTimeout, requestTimeout);
    this.#server = createServer({ headersTimeout, requestTimeout, connectionsCheckingInterval });
    this.#server.timeout = IDLE_TIMEOUT_MS;
    this.#server.maxConnections = settings.maxConnections;
    this.#serve(app);
  }

  /** @throws HawserError `port_in_use`, `address_unavailable` or `aborted` */
  async bind(address: BoundAddress): Promise<BoundAddress> {
    const bound = await bindPort(this.#server, "api", address);
    this.#server.on("error", (err) => {
      this.#runtime.logger.error({ err }, "the API cannot accept a connection");
    });
    return bound;
  }

  /** Closes the port and what is idle at once, streams when they have told what there is, each other connection when its answer is out, and what is left when the grace is over. */
  close(): Promise<void> {
    this.#closing.abort();
    return new Promise((resolve) => {
      const grace = this.#runtime.timers.after(this.#settings.stopGraceMs, () =>
        this.#server.closeAllConnections(),
      );
      this.#server.close(() => {
        grace.cancel();
        resolve();
      });
      for (const socket of this.#unused) socket.destroy();
    });
  }

  #serve(app: Hono): void {
    // Without replacing the global Request and Response, which belong to the whole process.
    const bindings: ServingBindings = { closing: this.#closing.signal };
    const answer = getRequestListener((request, parts) => app.fetch(request, { ...parts, ...bindings }), {
      overrideGlobalObjects: false,
    });
    this.#server.on("connection", (socket) => {
      this.#unused.add(socket);
      socket.once("close", () => this.#unused.delete(socket));
    });
    this.#server.on("request", (incoming, outgoing) => {
      this.#unused.delete(incoming.socket);
      // A connection that is kept alive is idle only after its answer has been closed.
      outgoing.once("close", () => {
        if (this.#closing.signal.aborted)
          this.#runtime.timers.soon(() => this.#server.closeIdleConnections());
      });
      void answer(incoming, outgoing);
    });
  }
}
