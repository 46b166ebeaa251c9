import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import type { Runtime, Timer } from "@hawser/runtime";
import { peerInfoOf, type Connection, type SocketInfo, type StreamSettings } from "@hawser/transport";
import { bytesReadFrom, keepAlive } from "./keep-alive.js";
import { ServerConnection } from "./server-connection.js";
import {
  CONNECT_PATH,
  CONTENT_TYPE,
  encodeGrpcMessage,
  GRPC_STATUS,
  isGrpcContentType,
  PUSHBACK_HEADER,
} from "./service.js";
import { FLOW_CONTROL_WINDOW_BYTES } from "./flow-control.js";

export interface ServerSessionParts {
  readonly http2: ServerHttp2Session;
  readonly socket: Duplex;
  readonly info: SocketInfo;
  readonly settings: StreamSettings;
  /** A session without a stream is cut after this long. */
  readonly idleTimeoutMs: number;
  readonly runtime: Runtime;
  readonly onConnection: (connection: Connection) => void;
  readonly onClose: () => void;
}

/** One HTTP/2 connection of a client and the streams in it. */
export class ServerSession {
  readonly #parts: ServerSessionParts;
  readonly #connections = new Set<ServerConnection>();
  #streams = 0;
  #idle: Timer;

  constructor(parts: ServerSessionParts) {
    this.#parts = parts;
    this.#idle = this.#waitForStream();
    const { http2, socket, settings, runtime } = parts;
    // HTTP/2 knows no half-open connection, whatever the listener allows: a client that ended the socket is gone.
    socket.once("end", () => this.#destroy());
    http2.setLocalWindowSize(FLOW_CONTROL_WINDOW_BYTES);
    // Why a session broke is told by its streams; one without streams is nobody's loss.
    http2.on("error", () => {});
    http2.once("close", () => {
      this.#idle.cancel();
      parts.onClose();
    });
    keepAlive(http2, {
      intervalMs: settings.keepAliveIntervalMs,
      timers: runtime.timers,
      bytesRead: () => bytesReadFrom(socket),
      onDead: (error) => void this.cut(error),
    });
  }

  /** Never throws: Node calls this from an event of the socket, where nobody could catch it. */
  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // Whoever resets a stream in the packet that opened it has it destroyed before this runs, and its error follows later.
    stream.on("error", () => {});
    if (stream.destroyed || stream.closed) return;
    try {
      this.#take(stream, headers);
    } catch (thrown) {
      void this.cut(HawserError.from(thrown));
    }
  }

  #take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // What is refused buys no time.
    if (refuse(stream, headers)) return;
    this.#idle.cancel();
    this.#streams += 1;
    stream.once("close", () => this.#streamClosed());
    const { refusal } = this.#parts.info;
    if (refusal !== undefined) {
      respondStatus(stream, GRPC_STATUS.unavailable, refusal.message, {
        [PUSHBACK_HEADER]: Math.ceil(refusal.retryAfterMs),
      });
      // It has nothing more to say here: its place is for somebody else.
      this.#parts.http2.close();
      return;
    }
    stream.respond(
      { ":status": 200, "content-type": CONTENT_TYPE, "grpc-accept-encoding": "identity" },
      { waitForTrailers: true },
    );
    const { settings, runtime } = this.#parts;
    const connection: ServerConnection = new ServerConnection({
      stream,
      peer: peerInfoOf(this.#parts.info, headers.authorization),
      settings,
      runtime,
      release: (how) => this.#release(connection, stream, how),
    });
    this.#connections.add(connection);
    this.#parts.onConnection(connection);
  }

  /** Ends everything now. Resolves once the socket is closed. */
  cut(error: HawserError): Promise<void> {
    const { socket } = this.#parts;
    const closed = new Promise<void>((resolve) => {
      if (socket.closed) resolve();
      else socket.once("close", () => resolve());
    });
    for (const connection of this.#connections) connection.terminate(error);
    this.#destroy();
    return closed;
  }

  #release(connection: ServerConnection, stream: ServerHttp2Stream, how: "finish" | "cut"): void {
    this.#connections.delete(connection);
    if (how === "cut") {
      // The stream alone where others share the connection; else all of it, for a peer that reads nothing reads no reset either.
      if (this.#connections.size === 0) this.#destroy();
      else stream.close(constants.NGHTTP2_CANCEL);
      return;
    }
    const { settings, runtime } = this.#parts;
    const deadline = runtime.timers.after(settings.closeTimeoutMs, () =>
      stream.close(constants.NGHTTP2_CANCEL),
    );
    stream.once("close", () => deadline.cancel());
  }

  #streamClosed(): void {
    this.#streams -= 1;
    if (this.#streams === 0 && !this.#parts.http2.destroyed) this.#idle = this.#waitForStream();
  }

  #waitForStream(): Timer {
    const { runtime, idleTimeoutMs } = this.#parts;
    return runtime.timers.after(idleTimeoutMs, () => this.#destroy());
  }

  #destroy(): void {
    this.#parts.http2.destroy();
    this.#parts.socket.destroy();
  }
}

/** Answers a request that is not for the one method; true when it did. */
function refuse(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
  if (!isGrpcContentType(headers["content-type"]) || headers[":method"] !== "POST") {
    stream.respond({ ":status": 415, accept: CONTENT_TYPE }, { endStream: true });
    letGo(stream);
    return true;
  }
  if (headers[":path"] === CONNECT_PATH) return false;
  respondStatus(stream, GRPC_STATUS.unimplemented, `The only method is ${CONNECT_PATH}.`);
  return true;
}

/** A status and nothing before it (gRPC over HTTP/2, Trailers-Only). */
function respondStatus(
  stream: ServerHttp2Stream,
  status: number,
  message: string,
  headers: OutgoingHttpHeaders = {},
): void {
  stream.respond(
    {
      ":status": 200,
      "content-type": CONTENT_TYPE,
      "grpc-status": status,
      "grpc-message": encodeGrpcMessage(message),
      ...headers,
    },
    { endStream: true },
  );
  letGo(stream);
}

// The answer is complete, and nothing of the request is worth reading (RFC 9113, section 8.1): else a client that never ends it would keep the connection, and never
// have become a session.
function letGo(stream: ServerHttp2Stream): void {
  stream.resume();
  stream.close(constants.NGHTTP2_NO_ERROR);
}
