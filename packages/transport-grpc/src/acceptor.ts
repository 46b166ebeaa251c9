import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import { guarded, systemRuntime, TurnQueue, type Runtime } from "@hawser/runtime";
import {
  type Acceptor,
  type Connection,
  type Screen,
  type SocketInfo,
  resolveBasePath,
  resolveStreamOptions,
  startedTwice,
  type StreamOptions,
} from "@hawser/transport";
import { startHttp2Server, type Http2ServerHandle } from "./http2-server.js";
import { refuseCompression } from "./identity-encoding.js";
import { silenceLibrary } from "./library-log.js";
import { release, ServedSocket } from "./served-socket.js";
import type { ServerCall } from "./server-call.js";
import { SlicedSocket } from "./sliced-socket.js";
import { type HeldBytes, WaitingBytes } from "./waiting-bytes.js";

/** From the accepted socket, or from the end of its last stream, to the next stream. */
export const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;

/** Streams begun in one turn of the event loop, on unauthenticated connections: each creates a session's objects. */
const STREAMS_PER_TURN = 4;

/**
 * Bytes read from unauthenticated clients: one or two milliseconds of work. An honest client sends a
 * few hundred until it is trusted.
 */
const UNTRUSTED_BYTES = { perTurn: 1_024, perSecond: 200_000 };
/** The work to begin HTTP/2 on a socket, counted as bytes. */
const SESSION_BYTES = 256;

/** Options of the accepting side; each has a default. */
export interface GrpcAcceptorOptions extends StreamOptions {
  /**
   * Precedes `/hawser.v1.Hawser/Connect`, where a proxy that serves several services on one host
   * forwards the path unchanged; begins with a slash. @default ""
   */
  readonly basePath?: string;
  /** @default 10 s */
  readonly handshakeTimeoutMs?: number;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/**
 * The principal's end of the gRPC transport (PROTOCOL.md, gRPC): every stream of the method
 * `/hawser.v1.Hawser/Connect` is a connection, also where several share one HTTP/2 connection.
 *
 * @throws HawserError `invalid_config`
 */
export function createGrpcAcceptor(options: GrpcAcceptorOptions = {}): Acceptor {
  silenceLibrary();
  return new GrpcAcceptor(options);
}

/** A stream while grpc-js is called with it. */
interface Arrival {
  readonly served: ServedSocket;
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
}

interface Running {
  readonly server: Http2ServerHandle;
  readonly onConnection: (connection: Connection) => void;
  readonly screen: Screen;
}

class GrpcAcceptor implements Acceptor {
  readonly alpn = "h2";
  readonly #handshakeTimeoutMs: number;
  readonly #runtime: Runtime;
  readonly #basePath: string;
  readonly #settings: ReturnType<typeof resolveStreamOptions>;
  readonly #served = new Set<ServedSocket>();
  readonly #bySession = new WeakMap<object, ServedSocket>();
  readonly #turns: TurnQueue;
  /** In bytes. */
  readonly #slices: TurnQueue;
  readonly #waiting = new WaitingBytes();
  #running: Running | undefined;
  /** Both are set only during a call into grpc-js, which answers before it returns. */
  #arriving: ServedSocket | undefined;
  #arrival: Arrival | undefined;

  constructor(options: GrpcAcceptorOptions) {
    this.#handshakeTimeoutMs = options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS;
    this.#runtime = options.runtime ?? systemRuntime();
    this.#turns = new TurnQueue(this.#runtime, { perTurn: STREAMS_PER_TURN });
    this.#slices = new TurnQueue(this.#runtime, UNTRUSTED_BYTES);
    this.#basePath = resolveBasePath(options.basePath);
    this.#settings = resolveStreamOptions(options);
  }

  start(onConnection: (connection: Connection) => void, screen: Screen = () => undefined): Promise<void> {
    if (this.#running !== undefined) return Promise.reject(startedTwice());
    const server = startHttp2Server({
      maxFrameBytes: this.#settings.maxFrameBytes,
      basePath: this.#basePath,
      onSession: (session) => {
        if (this.#arriving === undefined) return;
        this.#bySession.set(session, this.#arriving);
        this.#arriving.attach(session);
      },
      onStream: (stream, headers, serve) => this.#onStream(stream, headers, serve),
      onCall: (call) => this.#onCall(call),
    });
    this.#running = { server, onConnection, screen };
    return Promise.resolve();
  }

  accept(socket: Duplex, info: SocketInfo): void {
    const running = this.#running;
    // A reset while the peer is refused needs no handling.
    socket.on("error", () => {});
    if (running === undefined || socket.destroyed) {
      socket.destroy();
      return;
    }
    const { onConnection, screen } = running;
    const held = this.#waiting.of(() => this.#overBudget(served, socket, info));
    const served: ServedSocket = new ServedSocket({
      socket,
      info,
      settings: this.#settings,
      idleTimeoutMs: this.#handshakeTimeoutMs,
      runtime: this.#runtime,
      screen,
      onConnection,
      onClose: () => {
        this.#served.delete(served);
        held.are(0);
      },
    });
    this.#served.add(served);
    held.are(socket.readableLength);
    this.#slices.run(() => this.#speak(served, socket, held), SESSION_BYTES);
  }

  #overBudget(served: ServedSocket, socket: Duplex, info: SocketInfo): void {
    const tooMuch = new HawserError("overloaded", "Too much was sent by clients that have no session yet.");
    // Called in an event of another client's socket, which an error here must not end.
    guarded(
      () => served.cut(tooMuch),
      () => socket.destroy(),
    );
    guarded(
      () => info.overBudget?.(),
      () => {},
    );
  }

  #speak(served: ServedSocket, socket: Duplex, held: HeldBytes): void {
    // The socket may have closed while it waited.
    if (this.#running === undefined || socket.destroyed) return;
    this.#arriving = served;
    try {
      const { timers } = this.#runtime;
      this.#running.server.injectConnection(
        new SlicedSocket({ socket, turns: this.#slices, timers, standing: () => served.standing, held }),
      );
    } catch (thrown) {
      served.cut(HawserError.from(thrown));
    } finally {
      this.#arriving = undefined;
    }
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    const stopped = new HawserError("connection_closed", "The acceptor was stopped.");
    const served = [...this.#served];
    for (const each of served) each.cut(stopped);
    running?.server.shutdown();
    await Promise.all(served.map((each) => each.closed));
  }

  /** Never throws: Node calls this in an event of the socket, where nothing could catch it. */
  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, serve: () => void): void {
    // A stream reset in the packet that opened it is destroyed before this runs; its error follows.
    stream.on("error", () => {});
    const served = stream.session === undefined ? undefined : this.#bySession.get(stream.session);
    if (served === undefined || stream.destroyed || stream.closed) return;
    if (served.standing === "sentAway") return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    if (served.standing === "trusted") this.#begin(served, stream, headers, serve);
    else this.#turns.run(() => this.#begin(served, stream, headers, serve));
  }

  #begin(
    served: ServedSocket,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    serve: () => void,
  ): void {
    // The stream may have closed while it waited.
    if (stream.destroyed || stream.closed || this.#running === undefined) return;
    if (served.standing === "sentAway") return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    this.#arrival = { served, stream, headers };
    try {
      if (headers[":method"] !== "POST")
        stream.respond({ ":status": 405, allow: "POST" }, { endStream: true });
      else if (!refuseCompression(stream, headers)) serve();
      // Not taken: it has been answered here, or by grpc-js, as a request that it does not serve.
      if (this.#arrival !== undefined) {
        release(stream, this.#runtime.timers);
        served.sendAway(stream);
      }
    } catch (thrown) {
      served.cut(HawserError.from(thrown));
    } finally {
      this.#arrival = undefined;
    }
  }

  #onCall(call: ServerCall): void {
    const arrival = this.#arrival;
    this.#arrival = undefined;
    if (arrival === undefined)
      throw new HawserError("internal", "grpc-js told of a call that has no stream.");
    const { served, stream, headers } = arrival;
    try {
      served.take(call, stream, headers);
    } catch (thrown) {
      // grpc-js would answer with a status of its own, and nothing would own the connection.
      served.cut(HawserError.from(thrown));
    }
  }
}
