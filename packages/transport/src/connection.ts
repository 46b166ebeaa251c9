import type { CloudEvent, CloseCode, HawserError } from "@hawser/protocol";
import type { ClientCertificate } from "./client-certificate.js";

/** The transports this project ships; a foreign one names itself. */
export type TransportName = "ws-json" | "ws-proto" | "grpc" | "memory" | (string & {});

/** What is known about the other end before it has said a word. */
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

/** How a connection ended. `clean` decides whether an agent may come back without backoff. */
export type ConnectionEnd =
  | {
      /** A close handshake took place (WebSocket close both ways; gRPC status from the server). */
      readonly kind: "closed";
      /** True for codes 1000 and 1001 (gRPC: status OK). */
      readonly clean: boolean;
      readonly code: number;
      readonly reason: string;
      /**
       * Where both sides closed at once for different reasons, the peer's code wins: an agent that leaves while it is superseded learns of it.
       * A close begun here over a frame that may not be counts as closed even if the peer hangs up without answering: the code says why.
       */
      readonly by: "local" | "peer";
    }
  | {
      /** The bytes stopped without a handshake: reset, timeout, terminated here. */
      readonly kind: "lost";
      readonly error: HawserError;
    };

/**
 * What became of an event that was given to `send`.
 *
 * - `queued`: it is on its way, and there is room for more.
 * - `full`: it is on its way, and the buffer is above its high-water mark: stop until `writable`.
 * - `closed`: it will not be sent. After `close`, `terminate` or the end, from either side, nothing is; `ended` says why, or has said so. Nothing is thrown, because a
 *   connection may end at any moment, also between two calls.
 */
export type SendResult = "queued" | "full" | "closed";

/** What a connection tells whoever opened it. */
export interface ConnectionHandlers {
  /** One received CloudEvent, in the order it was sent. Must not block and must not throw. */
  message(event: CloudEvent): void;
  /**
   * In the place of an event that cannot be read, but has the key by which it is answered (`nackKey`). Where this is absent, the connection closes as it does
   * over any other frame that is malformed.
   *
   * @param bytes of its frame, or of the message it came in
   */
  unreadable?(error: HawserError, bytes: number): void;
  /** The send buffer fell below its low-water mark after `send` had answered `full`. */
  writable(): void;
  /**
   * The other end, or a proxy between, wants this connection replaced soon (HTTP/2 GOAWAY without an
   * error). It goes on until then, and it is no failure.
   */
  retiring?(): void;
  /** Exactly once, after the last `message`. */
  ended(end: ConnectionEnd): void;
}

/**
 * One stream of CloudEvents in both directions, in order, as long as it lives.
 *
 * Messages that arrive before `open` are held back, so none is lost between accept and `open`. A frame that is too large, malformed or
 * of the wrong kind never reaches `message`: the connection closes itself with the matching code, and `ended` says why. Only an event that has
 * its key goes to `unreadable` instead, so that it does not take the connection along each time it comes.
 */
export interface Connection {
  readonly transport: TransportName;
  readonly peer: PeerInfo;
  /** Bytes accepted by `send` that have not left the process. */
  readonly bufferedBytes: number;
  /**
   * Bytes that have left the process, as far as anybody counts them apart: it grows also while a large write is under way, of which
   * `bufferedBytes` may tell only when all of it is through. Only whether it has grown says something, and undefined says nothing. Not needed
   * where `bufferedBytes` falls with each byte that leaves.
   */
  readonly sentBytes?: number | undefined;
  /**
   * Bytes that have come from the peer for this connection, those of a message that is not complete among them. Only by how much it has grown says something, and
   * undefined says nothing.
   */
  readonly receivedBytes?: number | undefined;

  /**
   * `send` makes use of an event's JSON where it is given. Where it does not, nobody need keep it.
   *
   * @default false
   */
  readonly takesJson?: boolean;

  /** Begins delivery to `handlers`, which are not called before this has returned. Once. */
  open(handlers: ConnectionHandlers): void;

  /**
   * The peer is known: from here on it may send messages of `maxFrameBytes`. Until then an accepted connection takes messages of at most
   * `LIMITS.maxHelloBytes` (PROTOCOL.md, Limits) and closes with 1009 beyond. A dialled connection trusts from the start.
   */
  trust(): void;

  /**
   * Queues one event; what is queued within one tick goes out in one write.
   *
   * @param json the event as the JSON codec writes it, where the caller has it: a connection that speaks JSON need not encode it again
   * @returns whether it was queued, and whether to go on. Past the hard limit of the buffer the connection ends as lost with `slow_consumer`, which answers `closed`
   * @throws HawserError `invalid_event` where the codec cannot express the event
   */
  send(event: CloudEvent, json?: string): SendResult;

  /**
   * Stops reading, so that the peer is held back by the transport's own flow control. Nothing is delivered until
   * `resume`: what has been read already, no more than one read of the socket, is held. Sending goes on. The peer's
   * close is told behind it, after `resume`. Without effect before `open` and after the end.
   */
  pause(): void;

  /** Reads on after `pause`. Without effect while the connection is not paused. */
  resume(): void;

  /**
   * Starts the close handshake behind everything sent so far. What the peer still sends is delivered until its side of the handshake arrives;
   * then `ended` fires. There is no timeout here: whoever closes sets a grace and calls `terminate`. A reason too long for the wire is cut.
   */
  close(code: CloseCode, reason: string): void;

  /** Cuts the connection now. `ended` fires (as lost, with this error) before or after this returns, once. */
  terminate(error: HawserError): void;
}

/** What a transport may buffer per connection before it says stop, and before it gives the peer up. */
export interface BufferLimits {
  /** `send` answers `full` above it. @default 1 MiB */
  readonly highWaterBytes: number;
  /** `writable` fires below it. @default 256 KiB */
  readonly lowWaterBytes: number;
  /** The connection is lost with `slow_consumer` above it. @default 8 MiB */
  readonly hardLimitBytes: number;
}

/** What holds where no limits are given: enough for a window of events, little enough for thousands of connections. */
export const DEFAULT_BUFFER_LIMITS: BufferLimits = {
  highWaterBytes: 1_048_576,
  lowWaterBytes: 262_144,
  hardLimitBytes: 8_388_608,
};
