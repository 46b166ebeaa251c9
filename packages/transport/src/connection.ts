import type { CloudEvent, CloseCode, HawserError } from "@hawser/protocol";
import type { ClientCertificate } from "./client-certificate.js";

/** The transports this project ships; a foreign one names itself. */
export type TransportName = "ws-json" | "ws-proto" | "grpc" | "memory" | (string & {});

/** The other end, as known before its first message. */
export interface PeerInfo {
  /** `host:port`, or a name for connections without one. For logs. */
  readonly address: string;
  /** The `authorization` header or metadata entry, as received. Never logged. */
  readonly authorization?: string;
  /** Absent where the listener asks for none. */
  readonly certificate?: ClientCertificate;
  /** It came by the control plane's own port. */
  readonly internal?: boolean;
}

/** How a connection ended. `clean` decides whether an agent may reconnect without backoff. */
export type ConnectionEnd =
  | {
      /** A close handshake took place (WebSocket close both ways; gRPC status from the server). */
      readonly kind: "closed";
      /** True for codes 1000 and 1001 (gRPC: status OK). */
      readonly clean: boolean;
      readonly code: number;
      readonly reason: string;
      /**
       * Where both sides close at once for different reasons, the peer's code wins, so that an
       * agent that leaves while it is superseded learns of it. A close by this side for a bad frame
       * counts as closed even if the peer never answers: the code says why.
       */
      readonly by: "local" | "peer";
    }
  | {
      /** The bytes stopped without a handshake: reset, timeout, terminated here. */
      readonly kind: "lost";
      readonly error: HawserError;
    };

/**
 * The answer of `send`.
 *
 * - `queued`: on its way, and there is room for more.
 * - `full`: on its way, and the buffer is above its high-water mark: stop until `writable`.
 * - `closed`: not sent, after `close`, `terminate` or the end from either side; `ended` says why.
 *   Nothing is thrown, because a connection may end at any moment, also between two calls.
 */
export type SendResult = "queued" | "full" | "closed";

/** Called by a connection for its owner. */
export interface ConnectionHandlers {
  /** One received CloudEvent, in the order sent. Must neither block nor throw. */
  message(event: CloudEvent): void;
  /**
   * In place of an event that cannot be read but has the key for an answer (`nackKey`). Where
   * absent, the connection closes as for any malformed frame.
   *
   * @param bytes of its frame, or of the message it came in
   */
  unreadable?(error: HawserError, bytes: number): void;
  /** The send buffer fell below its low-water mark after `send` answered `full`. */
  writable(): void;
  /**
   * The other end, or a proxy in between, wants this connection replaced soon (HTTP/2 GOAWAY
   * without an error). It continues until then, and this is no failure.
   */
  retiring?(): void;
  /** Exactly once, after the last `message`. */
  ended(end: ConnectionEnd): void;
}

/**
 * One stream of CloudEvents in both directions, in order.
 *
 * Messages that arrive before `open` are held, so none is lost. A frame that is too large,
 * malformed or of the wrong kind never reaches `message`: the connection closes itself with the
 * matching code, and `ended` says why. Only an event with a key goes to `unreadable` instead, so
 * that a resend of it does not end the connection each time.
 */
export interface Connection {
  readonly transport: TransportName;
  readonly peer: PeerInfo;
  /** Bytes accepted by `send` that have not left the process. */
  readonly bufferedBytes: number;
  /**
   * Bytes that have left the process. It also grows during a large write, which `bufferedBytes` may
   * count as one. Only its growth has a meaning; undefined says nothing. Absent where
   * `bufferedBytes` falls with each byte that leaves.
   */
  readonly sentBytes?: number | undefined;
  /**
   * Bytes received for this connection, incomplete messages included. Only its growth has a
   * meaning; undefined says nothing.
   */
  readonly receivedBytes?: number | undefined;

  /**
   * Whether `send` uses the event's JSON where given. Where not, callers need not keep it.
   *
   * @default false
   */
  readonly takesJson?: boolean;

  /** Begins delivery to `handlers`, which are not called before this returns. Once. */
  open(handlers: ConnectionHandlers): void;

  /**
   * The peer is authenticated and may send messages of `maxFrameBytes`. Until then an accepted
   * connection takes messages of at most `LIMITS.maxHelloBytes` (PROTOCOL.md, Limits) and closes
   * with 1009 beyond. A dialled connection trusts from the start.
   */
  trust(): void;

  /**
   * Queues one event; events queued within one tick leave in one write.
   *
   * @param json the event as the JSON codec writes it, if known: a JSON connection then skips
   *   encoding
   * @returns whether it was queued, and whether to continue. Above the hard limit of the buffer the
   *   connection ends as lost with `slow_consumer`, and this answers `closed`
   * @throws HawserError `invalid_event` where the codec cannot express the event
   */
  send(event: CloudEvent, json?: string): SendResult;

  /**
   * Stops reading, so that flow control holds the peer back. Bytes that were read already, at most
   * one read of the socket, and the peer's close are held until `resume`. Sending continues.
   * Without effect before `open` and after the end.
   */
  pause(): void;

  /** Continues to read after `pause`. Without effect while the connection is not paused. */
  resume(): void;

  /**
   * Starts the close handshake behind everything sent so far. Events of the peer are delivered
   * until its side of the handshake arrives; then `ended` fires. There is no timeout here: the
   * caller sets a grace and calls `terminate`. A reason too long for the wire is cut.
   */
  close(code: CloseCode, reason: string): void;

  /**
   * Cuts the connection now. `ended` fires once, as lost with this error, maybe before this
   * returns.
   */
  terminate(error: HawserError): void;
}

/** Bounds of a connection's send buffer. */
export interface BufferLimits {
  /** `send` answers `full` above it. @default 1 MiB */
  readonly highWaterBytes: number;
  /** `writable` fires below it. @default 256 KiB */
  readonly lowWaterBytes: number;
  /** The connection is lost with `slow_consumer` above it. @default 8 MiB */
  readonly hardLimitBytes: number;
}

/** The default: enough for a window of events, little enough for thousands of connections. */
export const DEFAULT_BUFFER_LIMITS: BufferLimits = {
  highWaterBytes: 1_048_576,
  lowWaterBytes: 262_144,
  hardLimitBytes: 8_388_608,
};
