import { HawserError, thrownText } from "@hawser/protocol";
import { guarded, type Runtime } from "@hawser/runtime";
import { AcceptFailures } from "@hawser/transport";
import { setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { createSecureContext } from "node:tls";
import { clientAddressOf } from "./served-by.js";
import { Connections, type ConnectionObserver } from "./connections.js";
import { RequestFeed } from "./request-feed.js";
import { RequestTurns } from "./request-turns.js";
import type { ServedBy } from "./served-by.js";

/** A certificate and its key, PEM. */
export interface ApiTls {
  readonly cert: string;
  readonly key: string;
}

export interface HttpServingSettings {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
  readonly stopGraceMs: number;
  readonly tls?: ApiTls | undefined;
  readonly connections?: Partial<ConnectionObserver> | undefined;
  /** Whether the head of a request shows that its sender may ask: then it is begun before those of others, and its connection keeps its place. @default nobody is told apart */
  readonly mayAsk?: ((request: IncomingMessage) => boolean) | undefined;
}

/** Answers one request. What it throws or rejects with ends the connection of this request. */
export type Answer = (request: IncomingMessage, response: ServerResponse, by: ServedBy) => unknown;

/** A connection on which nothing moves is closed after this; whoever reads an answer that slowly has gone. */
const IDLE_TIMEOUT_MS = 60_000;
/** How often at least the timeouts of requests are held against the connections. */
const MAX_CHECK_INTERVAL_MS = 1_000;

/**
 * One life of an HTTP server, from bind to close: nothing a client does or leaves undone can hold it up for longer than its timeouts. Requests of a connection are answered one after the other, and the
 * next one is not looked at before its predecessor's answer is out (`RequestFeed`).
 */
export class HttpServing {
  readonly #server: Server;
  readonly #settings: HttpServingSettings;
  readonly #runtime: Runtime;
  readonly #connections: Connections;
  /** Every connection, as its TCP socket. */
  readonly #sockets = new Set<Socket>();
  /** Those of them that TLS is above, by their ends. */
  readonly #beneath = new Map<string, Socket>();
  /** Connections without a request so far, which Node counts neither among the idle ones nor, while TLS is not through, among those it closes. */
  readonly #unused = new Set<Socket>();
  readonly #closing = new AbortController();
  /** At most one of each connection waits in them. */
  readonly #turns: RequestTurns;

  /** @throws HawserError `invalid_config` for a certificate and a key that do not fit */
  constructor(answer: Answer, settings: HttpServingSettings, runtime: Runtime) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#connections = new Connections(settings.maxConnections, settings.connections ?? {}, runtime.logger);
    this.#turns = new RequestTurns(runtime.timers);
    // One listener for each stream, of which there may be more than the ten that Node warns of.
    setMaxListeners(0, this.#closing.signal);
    const { headersTimeoutMs: headersTimeout, requestTimeoutMs: requestTimeout, tls } = settings;
    const connectionsCheckingInterval = Math.min(MAX_CHECK_INTERVAL_MS, headersTimeout, requestTimeout);
    const options = { headersTimeout, requestTimeout, connectionsCheckingInterval };
    this.#server =
      tls === undefined
        ? createServer(options)
        : withCertificate(() =>
            createTlsServer({ ...options, ...contextOf(tls), handshakeTimeout: headersTimeout }),
          );
    this.#server.timeout = IDLE_TIMEOUT_MS;
    this.#serve(answer);
  }

  /** @throws HawserError `port_in_use`, `address_unavailable` or `aborted` */
  async bind<Address>(bind: (server: Server) => Promise<Address>): Promise<Address> {
    const bound = await bind(this.#server);
    const failures = new AcceptFailures(this.#runtime);
    this.#server.on("error", (err) => failures.tell({ err }, "the API cannot accept a connection"));
    return bound;
  }

  /** Handshakes that begin from here on use these. @throws HawserError `invalid_config`; the old ones stay */
  secure(tls: ApiTls): void {
    const server = this.#server;
    if (server instanceof TlsServer) withCertificate(() => server.setSecureContext(contextOf(tls)));
  }

  /** Closes the port and what is idle at once, streams when they have told what there is, each other connection when its answer is out, and what is left when the grace is over. */
  close(): Promise<void> {
    this.#closing.abort();
    return new Promise((resolve) => {
      const grace = this.#runtime.timers.after(this.#settings.stopGraceMs, () => {
        for (const socket of this.#sockets) socket.destroy();
      });
      this.#server.close(() => {
        grace.cancel();
        resolve();
      });
      for (const socket of this.#unused) socket.destroy();
    });
  }

  #serve(answer: Answer): void {
    const server = this.#server;
    const secured = server instanceof TlsServer;
    if (secured) {
      server.prependListener("connection", (socket: Socket) => {
        if (!this.#taken(socket)) return;
        const ends = endsOf(socket);
        this.#beneath.set(ends, socket);
        socket.once("close", () => this.#beneath.delete(ends));
      });
      // A handshake that failed is the client's affair; its socket is closed by Node.
      server.on("tlsClientError", () => {});
    }
    // What Node does with a connection, done with its feed instead.
    const event = secured ? "secureConnection" : "connection";
    const listeners = server.listeners(event);
    server.removeAllListeners(event);
    server.on(event, (socket: Socket) => {
      socket.on("error", () => {});
      if (!secured && !this.#taken(socket)) return;
      guarded(
        () => {
          const feed = new RequestFeed(socket);
          for (const listener of listeners) listener.call(server, feed);
        },
        () => socket.destroy(),
      );
    });
    server.on("request", (incoming, outgoing) => {
      const feed: unknown = incoming.socket;
      // Each has one: whatever Node makes a request of came through the listener above.
      if (!(feed instanceof RequestFeed)) return;
      const place = this.#beneath.get(endsOf(feed)) ?? feed.socket;
      this.#unused.delete(place);
      // A connection that is kept alive is idle only after its answer has been closed.
      outgoing.once("close", () => {
        this.#connections.idle(place);
        feed.answered();
        if (this.#closing.signal.aborted)
          this.#runtime.timers.soon(() => this.#server.closeIdleConnections());
      });
      const { remoteAddress, remotePort } = feed;
      const by: ServedBy = {
        closing: this.#closing.signal,
        address: remoteAddress === undefined ? undefined : `${remoteAddress}:${remotePort ?? 0}`,
        client: clientAddressOf(remoteAddress),
        admitted: () => this.#connections.busy(place),
      };
      feed.begun(incoming, () =>
        this.#turns.add(
          () => {
            if (!feed.destroyed) this.#answer(() => answer(incoming, outgoing, by), outgoing);
          },
          by.client,
          this.#isKnown(place, incoming),
        ),
      );
    });
  }

  /** Whether it is somebody of whom that is known. */
  #isKnown(place: Socket, request: IncomingMessage): boolean {
    if (this.#connections.isKnown(place)) return true;
    if (this.#settings.mayAsk?.(request) !== true) return false;
    this.#connections.known(place);
    return true;
  }

  // The events of a server have nobody above who catches: what an answer throws ends its own connection.
  #answer(begin: () => unknown, outgoing: ServerResponse): void {
    const failed = (err: unknown): void => {
      outgoing.destroy();
      guarded(
        () => this.#runtime.logger.error({ err }, "the answer to a request threw"),
        () => {},
      );
    };
    guarded(() => {
      const answering = begin();
      if (answering instanceof Promise) answering.catch(failed);
    }, failed);
  }

  /** False when the socket was closed because there is no place. */
  #taken(socket: Socket): boolean {
    if (!this.#connections.take(socket)) return false;
    for (const kept of [this.#sockets, this.#unused]) {
      kept.add(socket);
      socket.once("close", () => kept.delete(socket));
    }
    return true;
  }
}

function endsOf({ remoteAddress, remotePort }: Pick<Socket, "remoteAddress" | "remotePort">): string {
  return `${remoteAddress} ${remotePort}`;
}

function contextOf({ cert, key }: ApiTls): {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: "TLSv1.2";
} {
  return { cert, key, minVersion: "TLSv1.2" };
}

/** @throws HawserError `invalid_config` for a certificate and a key that no server could use */
export function checkApiTls(tls: ApiTls): void {
  withCertificate(() => createSecureContext(contextOf(tls)));
}

function withCertificate<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const reason = thrownText(cause);
    throw new HawserError("invalid_config", `api.tls: the certificate or key is not usable: ${reason}`, {
      cause,
    });
  }
}
