import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import {
  guarded,
  type HostAllowList,
  type Runtime,
  systemRuntime,
  type Timer,
  TurnQueue,
} from "@hawser/runtime";
import {
  type Connection,
  peerInfoOf,
  type Screen,
  type SocketInfo,
  type SocketRefusal,
  resolveBasePath,
  resolveStreamOptions,
  startedTwice,
  type StreamOptions,
  type Upgrade,
  type UpgradeAcceptor,
} from "@hawser/transport";
import { type WebSocket, WebSocketServer } from "ws";
import {
  comeBackLater,
  type HttpRefusal,
  refuseLateRequest,
  refusalBody,
  refusalHeaders,
  refusedCredentials,
  refuseUpgrade,
} from "./http-refusal.js";
import { webSocketSettings } from "./stream-settings.js";
import { framingOf, type Subprotocol, SUBPROTOCOLS } from "./subprotocol.js";
import { UpgradePolicy } from "./upgrade-policy.js";
import { WebSocketConnection } from "./web-socket-connection.js";

/** From the accepted socket to the finished upgrade. */
export const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;

/** Room for a large bearer token; a longer header block is answered with 431. */
export const DEFAULT_MAX_HEADER_BYTES = 16_384;

const MAX_HEADERS = 64;

/** Upgrades in one turn of the event loop: many may come at once, and each creates a session's objects. */
const UPGRADES_PER_TURN = 4;

/** The answer to upgrades from another HTTP server while this acceptor is stopped. */
const NOT_STARTED: SocketRefusal = {
  retryAfterMs: 5_000,
  message: "no connections are taken here at the moment; come back later",
};

const AGENTS_ONLY: HostAllowList = { hosts: "any", origins: [] };

/** Options of the accepting side; each has a default. */
export interface WebSocketAcceptorOptions extends StreamOptions {
  /**
   * Precedes `/v1/connect`, where a proxy that serves several services on one host forwards the path
   * unchanged; begins with a slash. Only that path is upgraded. @default ""
   */
  readonly basePath?: string;
  /**
   * The `Host` (except on the internal port, which has other names) and `Origin` a request may have;
   * others get 403. @default any host, no origin: agents send none, and browsers always do
   */
  readonly allow?: HostAllowList;
  /** @default both */
  readonly subprotocols?: readonly Subprotocol[];
  /** @default 10 s */
  readonly handshakeTimeoutMs?: number;
  /** @default 16 KiB */
  readonly maxHeaderBytes?: number;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/** An open socket of this acceptor. */
interface Held {
  readonly info: SocketInfo;
  /** Until the request has been read. */
  readonly deadline: Timer | undefined;
  connection: WebSocketConnection | undefined;
}

/**
 * The principal's end of the CloudEvents WebSocket binding (PROTOCOL.md, WebSocket).
 *
 * @throws HawserError `invalid_config`
 */
export function createWebSocketAcceptor(options: WebSocketAcceptorOptions = {}): UpgradeAcceptor {
  return new WebSocketAcceptor(options);
}

class WebSocketAcceptor implements UpgradeAcceptor {
  readonly alpn = "http/1.1";
  readonly #policy: UpgradePolicy;
  readonly #handshakeTimeoutMs: number;
  readonly #runtime: Runtime;
  readonly #settings: ReturnType<typeof resolveStreamOptions>;
  readonly #http: Server;
  readonly #upgrader: WebSocketServer;
  readonly #held = new Map<Duplex, Held>();
  readonly #turns: TurnQueue;
  #onConnection: ((connection: Connection) => void) | undefined;
  #screen: Screen = () => undefined;

  constructor(options: WebSocketAcceptorOptions) {
    this.#policy = new UpgradePolicy(
      resolveBasePath(options.basePath),
      options.subprotocols ?? SUBPROTOCOLS,
      options.allow ?? AGENTS_ONLY,
    );
    this.#handshakeTimeoutMs = options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS;
    this.#runtime = options.runtime ?? systemRuntime();
    this.#settings = resolveStreamOptions(options);
    this.#http = createServer({ maxHeaderSize: options.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES });
    this.#http.maxHeadersCount = MAX_HEADERS;
    this.#http.on("request", (request, response) =>
      guarded(
        () => this.#answer(request, response),
        () => request.socket.destroy(),
      ),
    );
    this.#turns = new TurnQueue(this.#runtime, { perTurn: UPGRADES_PER_TURN });
    this.#http.on("upgrade", (request, socket, head) => this.#requested({ request, socket, head }));
    this.#upgrader = new WebSocketServer({
      ...webSocketSettings(this.#settings),
      noServer: true,
      clientTracking: false,
      handleProtocols: (_offered, request) => this.#policy.subprotocolOf(request) ?? false,
    });
    this.#upgrader.on("wsClientError", (error, socket) => {
      refuseUpgrade(socket, {
        status: 400,
        code: "invalid_message",
        message: error.message,
        headers: { "sec-websocket-version": "13" },
      });
    });
  }

  /** The request is complete: its deadline ends. */
  #requested(upgrade: Upgrade): void {
    const { socket } = upgrade;
    this.#held.get(socket)?.deadline?.cancel();
    this.#turns.run(() =>
      guarded(
        () => this.#upgrade(upgrade),
        (thrown) => {
          this.#runtime.logger.error({ err: thrown }, "a request to connect ended by an error of this side");
          socket.destroy();
        },
      ),
    );
  }

  start(onConnection: (connection: Connection) => void, screen?: Screen): Promise<void> {
    if (this.#onConnection !== undefined) return Promise.reject(startedTwice());
    this.#onConnection = onConnection;
    this.#screen = screen ?? (() => undefined);
    return Promise.resolve();
  }

  accept(socket: Duplex, info: SocketInfo): void {
    if (this.#onConnection === undefined) {
      socket.destroy();
      return;
    }
    // Node enforces no timeouts on an HTTP server that does not listen.
    const deadline = this.#runtime.timers.after(this.#handshakeTimeoutMs, () =>
      refuseLateRequest(socket, this.#handshakeTimeoutMs),
    );
    this.#hold(socket, info, deadline);
    this.#http.emit("connection", socket);
    // A listener that read the first bytes may hand the socket over paused.
    socket.resume();
  }

  takesUpgrade(request: IncomingMessage): boolean {
    return this.#policy.isEndpoint(request);
  }

  acceptUpgrade(upgrade: Upgrade, info: SocketInfo): void {
    const { socket } = upgrade;
    // Its `close` has been emitted already, so nothing would release it.
    if (socket.destroyed) return;
    const refusal = info.refusal ?? (this.#onConnection === undefined ? NOT_STARTED : undefined);
    this.#hold(socket, refusal === undefined ? info : { ...info, refusal }, undefined);
    this.#requested(upgrade);
  }

  #hold(socket: Duplex, info: SocketInfo, deadline: Timer | undefined): void {
    // A waiting upgrade has no other listener for errors; `close` follows.
    socket.on("error", () => {});
    this.#held.set(socket, { info, deadline, connection: undefined });
    socket.once("close", () => {
      deadline?.cancel();
      this.#held.delete(socket);
    });
  }

  async stop(): Promise<void> {
    this.#onConnection = undefined;
    const closing = [...this.#held].map(([socket, { connection }]) => {
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      connection?.terminate(new HawserError("connection_closed", "The acceptor was stopped."));
      socket.destroy();
      return closed;
    });
    await Promise.all(closing);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const info = this.#held.get(request.socket)?.info;
    const asked = info?.refusal;
    const refusal = asked === undefined ? this.#policy.refuseRequest(request, info) : comeBackLater(asked);
    response.writeHead(refusal.status, refusalHeaders(refusal));
    response.end(refusalBody(refusal));
  }

  #upgrade({ request, socket, head }: Upgrade): void {
    const held = this.#held.get(socket);
    if (held === undefined) {
      socket.destroy();
      return;
    }
    const refusal = this.#refusalOf(request, held.info);
    if (refusal !== undefined) refuseUpgrade(socket, refusal);
    else {
      this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => {
        held.deadline?.cancel();
        this.#connect(webSocket, socket, request, held);
      });
    }
  }

  #refusalOf(request: IncomingMessage, info: SocketInfo): HttpRefusal | undefined {
    if (info.refusal !== undefined) return comeBackLater(info.refusal);
    const refusal = this.#policy.refuseUpgrade(request, info);
    if (refusal !== undefined) return refusal;
    const error = this.#screen(peerInfoOf(info, request.headers.authorization));
    return error === undefined ? undefined : refusedCredentials(error);
  }

  #connect(webSocket: WebSocket, socket: Duplex, request: IncomingMessage, held: Held): void {
    const subprotocol = this.#policy.subprotocolOf(request);
    const onConnection = this.#onConnection;
    if (subprotocol === undefined || onConnection === undefined) {
      webSocket.terminate();
      return;
    }
    const connection = new WebSocketConnection({
      webSocket,
      socket,
      framing: framingOf(subprotocol),
      peer: peerInfoOf(held.info, request.headers.authorization),
      settings: this.#settings,
      accepted: true,
      runtime: this.#runtime,
    });
    held.connection = connection;
    onConnection(connection);
  }
}
