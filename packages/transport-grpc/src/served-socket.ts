import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { Metadata, status } from "@grpc/grpc-js";
import { HawserError } from "@hawser/protocol";
import { guarded, type Runtime, type Timer, type Timers } from "@hawser/runtime";
import {
  bytesReadFrom,
  bytesSentBy,
  type Connection,
  cutCloseReason,
  KeepAlive,
  peerInfoOf,
  type PeerInfo,
  type Screen,
  type SocketInfo,
  type StreamSettings,
} from "@hawser/transport";
import type { ServerCall } from "./server-call.js";
import { ServerConnection } from "./server-connection.js";
import { readErrorStacks } from "./session-errors.js";
import type { Standing } from "./sliced-socket.js";
import {
  asStatusMessage,
  FLOW_CONTROL_WINDOW_BYTES,
  MAX_SPOILT_STREAMS,
  MAX_STREAMS_PER_SESSION,
  PUSHBACK_HEADER,
} from "./service.js";

export interface ServedSocketParts {
  readonly socket: Duplex;
  readonly info: SocketInfo;
  readonly settings: StreamSettings;
  /** A socket without a stream is cut after this long. */
  readonly idleTimeoutMs: number;
  readonly runtime: Runtime;
  readonly screen: Screen;
  readonly onConnection: (connection: Connection) => void;
  readonly onClose: () => void;
}

/** A socket of a client, the HTTP/2 connection on it, and the streams in that. */
export class ServedSocket {
  readonly #parts: ServedSocketParts;
  readonly #connections = new Set<ServerConnection>();
  /** Streams of ended connections, whose status is under way. */
  readonly #finishing = new Set<ServerHttp2Stream>();
  readonly #keepAlive: KeepAlive;
  #session: ServerHttp2Session | undefined;
  #hasTrusted = false;
  /**
   * A request was refused while there was no connection: the client is closed, and further requests
   * are ignored.
   */
  #isSentAway = false;
  #spoilt = 0;
  #idle: Timer;

  constructor(parts: ServedSocketParts) {
    this.#parts = parts;
    const { socket, settings, runtime } = parts;
    this.#idle = this.#waitForStream();
    this.#keepAlive = new KeepAlive(settings.keepAliveIntervalMs, runtime.timers, {
      bytesRead: () => bytesReadFrom(socket),
      isPaused: () => false,
      ping: () => this.#ping(),
      dead: (error) => this.cut(error),
    });
    // HTTP/2 has no half-open connections, whatever the listener allows: an ended socket is gone.
    socket.once("end", () => this.#destroy());
    socket.once("close", () => {
      this.#idle.cancel();
      this.#keepAlive.stop();
      parts.onClose();
    });
  }

  /** Resolves once nothing of it is left. */
  get closed(): Promise<void> {
    const { socket } = this.#parts;
    if (socket.closed) return Promise.resolve();
    return new Promise((resolve) => socket.once("close", () => resolve()));
  }

  attach(session: ServerHttp2Session): void {
    this.#session = session;
    // Its streams report why a session broke; without streams there is nothing to report.
    readErrorStacks(session);
    session.on("stream", (stream) => {
      if (stream.destroyed || stream.closed) this.#streamSpoilt();
    });
    this.#keepAlive.start();
  }

  /** A call of the one method, on this stream. */
  take(call: ServerCall, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { info, screen, runtime } = this.#parts;
    const { timers } = runtime;
    if (info.refusal !== undefined) {
      const { retryAfterMs, message } = info.refusal;
      const metadata = new Metadata();
      metadata.set(PUSHBACK_HEADER, String(Math.ceil(retryAfterMs)));
      refuse(call, stream, { code: status.UNAVAILABLE, message, metadata }, timers);
      this.sendAway(stream);
      return;
    }
    const peer = peerInfoOf(info, headers.authorization);
    const error = screened(screen, peer);
    if (error === undefined) return this.#connect(call, stream, peer);
    refuse(call, stream, { code: statusOfRefusal(error), message: error.message }, timers);
    this.sendAway(stream);
  }

  /** Trusted once one of its streams has had a session. */
  get standing(): Standing {
    if (this.#isSentAway) return "sentAway";
    return this.#hasTrusted ? "trusted" : "untrusted";
  }

  /**
   * This stream was refused. A client without a connection here is closed, so that its next try
   * takes a new socket and has to be admitted. Otherwise a client that retries at once would get an
   * answer as fast as it reads them.
   */
  sendAway(stream: ServerHttp2Stream): void {
    if (this.#connections.size > 0) return;
    this.#isSentAway = true;
    stream.once("close", () => this.#session?.close());
  }

  /** Ends everything now. */
  cut(error: HawserError): void {
    for (const connection of this.#connections) connection.terminate(error);
    this.#destroy();
  }

  #connect(call: ServerCall, stream: ServerHttp2Stream, peer: PeerInfo): void {
    const { socket, settings, runtime, onConnection } = this.#parts;
    const connection: ServerConnection = new ServerConnection({
      call,
      stream,
      peer,
      settings,
      runtime,
      sentBytes: () => (this.#connections.size === 1 ? bytesSentBy(socket) : undefined),
      release: (how) => this.#release(connection, stream, how),
      onTrusted: () => this.#widen(),
    });
    this.#idle.cancel();
    this.#connections.add(connection);
    // Other agents may share the socket, behind a proxy, and must not be ended by this one.
    guarded(
      () => onConnection(connection),
      (thrown) => connection.terminate(HawserError.from(thrown)),
    );
  }

  #release(connection: ServerConnection, stream: ServerHttp2Stream, how: "finish" | "cut"): void {
    this.#connections.delete(connection);
    if (how === "cut") this.#cutStream(stream);
    else this.#finish(stream);
    if (this.#connections.size === 0 && !this.#parts.socket.destroyed) this.#idle = this.#waitForStream();
  }

  /**
   * Cuts the stream alone where others share the socket; else the socket, because a peer that reads
   * nothing does not read a reset either.
   */
  #cutStream(stream: ServerHttp2Stream): void {
    if (this.#isShared) stream.close(constants.NGHTTP2_CANCEL);
    else this.#destroy();
  }

  get #isShared(): boolean {
    return this.#connections.size > 0 || this.#finishing.size > 0;
  }

  #finish(stream: ServerHttp2Stream): void {
    if (stream.destroyed) return;
    const { settings, runtime } = this.#parts;
    this.#finishing.add(stream);
    const deadline = runtime.timers.after(settings.closeTimeoutMs, () => {
      this.#finishing.delete(stream);
      this.#cutStream(stream);
    });
    stream.once("close", () => {
      this.#finishing.delete(stream);
      deadline.cancel();
    });
  }

  /**
   * A stream was reset in the packet that opened it. A client may cancel at once; but each costs a
   * stream, so a client that does nothing else is cut.
   */
  #streamSpoilt(): void {
    this.#spoilt += 1;
    if (this.#spoilt > MAX_SPOILT_STREAMS && !this.#isShared) this.#destroy();
  }

  /** A trusted client may have more streams, and more unread bytes, than an untrusted one. */
  #widen(): void {
    if (this.#hasTrusted || this.#session === undefined || this.#session.destroyed) return;
    this.#hasTrusted = true;
    this.#session.settings({
      initialWindowSize: FLOW_CONTROL_WINDOW_BYTES,
      maxConcurrentStreams: MAX_STREAMS_PER_SESSION,
    });
    this.#session.setLocalWindowSize(FLOW_CONTROL_WINDOW_BYTES);
  }

  #ping(): void {
    if (this.#session?.destroyed === false) this.#session.ping(() => {});
  }

  #waitForStream(): Timer {
    const { runtime, idleTimeoutMs } = this.#parts;
    return runtime.timers.after(idleTimeoutMs, () => this.#destroy());
  }

  #destroy(): void {
    this.#session?.destroy();
    this.#parts.socket.destroy();
  }
}

/**
 * Releases an answered request: the rest of it is discarded (RFC 9113, section 8.1), because a
 * client that never ends it would keep the connection.
 *
 * nghttp2 drops an answer that waits for an earlier write when its stream is reset, so the reset
 * waits until that is written: two turns, unless the client does not read at all.
 */
export function release(stream: ServerHttp2Stream, timers: Timers): void {
  stream.resume();
  timers.soon(() => void timers.soon(() => stream.close(constants.NGHTTP2_NO_ERROR)));
}

interface Refusal {
  readonly code: status;
  readonly message: string;
  readonly metadata?: Metadata;
}

/** A status and nothing before it (gRPC over HTTP/2, Trailers-Only). */
function refuse(
  call: ServerCall,
  stream: ServerHttp2Stream,
  { code, message, metadata = new Metadata() }: Refusal,
  timers: Timers,
): void {
  stream.once("finish", () => release(stream, timers));
  call.emit("error", { code, details: asStatusMessage(cutCloseReason(message)), metadata });
}

/** A screen that throws refuses the stream. */
function screened(screen: Screen, peer: PeerInfo): HawserError | undefined {
  try {
    return screen(peer);
  } catch (thrown) {
    return new HawserError("internal", "The stream cannot be taken now.", { cause: thrown });
  }
}

function statusOfRefusal({ code }: HawserError): status {
  switch (code) {
    case "unauthenticated":
      return status.UNAUTHENTICATED;
    case "internal":
      return status.INTERNAL;
    default:
      return status.PERMISSION_DENIED;
  }
}
