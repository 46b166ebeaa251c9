import { performServerHandshake, type ServerHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import { systemRuntime, type Runtime } from "@hawser/runtime";
import {
  type Acceptor,
  type Connection,
  type SocketInfo,
  resolveStreamOptions,
  type StreamOptions,
} from "@hawser/transport";
import { ServerSession } from "./server-session.js";
import { FLOW_CONTROL_WINDOW_BYTES } from "./flow-control.js";

/** From the accepted socket, or from the end of its last stream, to the next stream. */
export const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;

/** Streams one HTTP/2 connection may have open; an agent needs one, and a second one while it rotates. */
const MAX_STREAMS_PER_SESSION = 16;

/** Header fields a request may have, and how many bytes of them: room for a large bearer token. */
const MAX_HEADER_FIELDS = 64;
const MAX_HEADER_BYTES = 16_384;

/** What the accepting side may be told; all of it has a default. */
export interface GrpcAcceptorOptions extends StreamOptions {
  /** @default 10 s */
  readonly handshakeTimeoutMs?: number;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/**
 * The principal's end of the gRPC transport (PROTOCOL.md, gRPC): every stream of the method `/hawser.v1.Hawser/Connect` is a connection,
 * also where several share one HTTP/2 connection.
 *
 * @throws HawserError `invalid_config`
 */
export function createGrpcAcceptor(options: GrpcAcceptorOptions = {}): Acceptor {
  return new GrpcAcceptor(options);
}

class GrpcAcceptor implements Acceptor {
  readonly alpn = "h2";
  readonly #handshakeTimeoutMs: number;
  readonly #runtime: Runtime;
  readonly #settings: ReturnType<typeof resolveStreamOptions>;
  readonly #sessions = new Set<ServerSession>();
  #onConnection: ((connection: Connection) => void) | undefined;

  constructor(options: GrpcAcceptorOptions) {
    this.#handshakeTimeoutMs = options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS;
    this.#runtime = options.runtime ?? systemRuntime();
    this.#settings = resolveStreamOptions(options);
  }

  start(onConnection: (connection: Connection) => void): Promise<void> {
    this.#onConnection = onConnection;
    return Promise.resolve();
  }

  accept(socket: Duplex, info: SocketInfo): void {
    const onConnection = this.#onConnection;
    // A peer that resets while it is refused is no news.
    socket.on("error", () => {});
    if (onConnection === undefined) {
      socket.destroy();
      return;
    }
    const http2 = performServerHandshake(socket, {
      settings: {
        initialWindowSize: FLOW_CONTROL_WINDOW_BYTES,
        maxConcurrentStreams: MAX_STREAMS_PER_SESSION,
        maxHeaderListSize: MAX_HEADER_BYTES,
      },
      maxHeaderListPairs: MAX_HEADER_FIELDS,
    });
    const session = new ServerSession({
      http2,
      socket,
      info,
      settings: this.#settings,
      idleTimeoutMs: this.#handshakeTimeoutMs,
      runtime: this.#runtime,
      onConnection,
      onClose: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    http2.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) =>
      session.take(stream, headers),
    );
  }

  async stop(): Promise<void> {
    this.#onConnection = undefined;
    const stopped = new HawserError("connection_closed", "The acceptor was stopped.");
    await Promise.all([...this.#sessions].map((session) => session.cut(stopped)));
  }
}
