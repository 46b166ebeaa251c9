import type { Server } from "node:net";
import type { Acceptor } from "../acceptor.js";
import type { BufferLimits } from "../connection.js";
import type { Dialer } from "../dialer.js";
import type { LinkFaults } from "../link-faults.js";

/** What one case asks of the transport it is about to test. */
export interface CaseSettings {
  /** The acceptor gives a socket this long to become a connection. */
  readonly handshakeTimeoutMs: number;
}

/** A peer that speaks the transport's framing (its handshake, its messages) but sends what no Hawser peer may send. */
export interface HostilePeer {
  /** One well-formed event, so that a case can tell "before the bad frame" from "never delivered". */
  sendEvent(id: string): void;
  /** One frame of the right kind whose content is not a CloudEvent. */
  sendMalformed(): void;
  /** One frame above `LIMITS.maxFrameBytes`. */
  sendOversized(): void;
  /** The close code this peer saw: from the close frame, or from the trailer. */
  readonly closeCode: Promise<number>;
  /** Lets go of everything at once. */
  destroy(): void;
}

/** A transport over sockets: the suite listens, hands sockets to the acceptor, and puts a proxy of its own in between. */
export interface SocketWire {
  readonly kind: "sockets";
  /** A dialer that reaches 127.0.0.1 at `port`. */
  createDialer(port: number): Dialer;
  connectHostilePeer(port: number): Promise<HostilePeer>;
  /** What listens and hands its sockets to the acceptor, where that is not to be the suite itself. Closed by the suite. @default hands every socket to `accept` */
  readonly server?: Server;
  /** What an honest client sends first, cut off in the middle; then it falls silent. */
  readonly halfHandshake: string | Uint8Array;
}

/** A transport without sockets: it brings its own faults. */
export interface InProcessWire {
  readonly kind: "in-process";
  readonly dialer: Dialer;
  /** What can happen to the connections of `dialer`. */
  readonly faults: LinkFaults;
  /** Reaches the same acceptor; `faults` do not touch it. */
  readonly neighbour: Dialer;
}

/** A transport as the suite needs it. */
export interface TransportUnderTest {
  /** Not started: the suite starts and stops it. */
  readonly acceptor: Acceptor;
  readonly wire: SocketWire | InProcessWire;
  /** What both ends were made with. @default DEFAULT_BUFFER_LIMITS */
  readonly bufferLimits?: BufferLimits;
}
