import { type Codec, HawserError } from "@hawser/protocol";
import { systemTimers, type Timers } from "@hawser/runtime";
import { startedTwice, type Acceptor } from "../acceptor.js";
import { type BufferLimits, type Connection, DEFAULT_BUFFER_LIMITS, type PeerInfo } from "../connection.js";
import type { Dialer } from "../dialer.js";
import type { LinkFaults } from "../link-faults.js";
import { MemoryDialer } from "./memory-dialer.js";
import { MemoryLink } from "./memory-link.js";

/** When and how the memory transport delivers. */
export interface MemoryTransportOptions {
  /** When things are delivered; virtual ones make a run repeatable. @default systemTimers */
  readonly timers?: Timers;
  /** @default DEFAULT_BUFFER_LIMITS */
  readonly limits?: BufferLimits;
  /** Encodes and decodes every event. @default none: the receiver gets the object that was sent */
  readonly codec?: Codec;
}

/** Both ends of a transport that never leaves the process. */
export interface MemoryTransport {
  /** Takes the connections of the dialers; refuses sockets. */
  readonly acceptor: Acceptor;
  /** A dialer named `memory`. */
  readonly dialer: Dialer & LinkFaults;
  /**
   * A further dialer with a name and credentials of its own; its faults affect only its
   * connections.
   */
  createDialer(peer: PeerInfo): Dialer & LinkFaults;
}

/**
 * A transport inside this process, for tests and simulations: the semantics of the real ones
 * (order, backpressure, close handshake, half-open peers) without sockets or serialisation.
 * Everything happens through the given timers, in a repeatable order.
 */
export function createMemoryTransport(options: MemoryTransportOptions = {}): MemoryTransport {
  const { timers = systemTimers, limits = DEFAULT_BUFFER_LIMITS, codec } = options;
  const links = new Set<MemoryLink>();
  let accept: ((connection: Connection) => void) | undefined;

  const acceptor: Acceptor = {
    alpn: "http/1.1",
    start(onConnection) {
      if (accept !== undefined) return Promise.reject(startedTwice());
      accept = onConnection;
      return Promise.resolve();
    },
    accept(socket) {
      socket.destroy(
        new HawserError(
          "invalid_config",
          "The memory transport takes no sockets; leave it out of what listens, and dial it with its own dialer.",
        ),
      );
    },
    stop() {
      accept = undefined;
      for (const { server } of links) {
        server.terminate(new HawserError("connection_closed", "The acceptor was stopped."));
      }
      return Promise.resolve();
    },
  };

  const connect = (peer: PeerInfo, held: () => boolean): MemoryLink | undefined => {
    if (accept === undefined) return undefined;
    const shared = { timers, limits, codec };
    const link: MemoryLink = new MemoryLink(
      { ...shared, peer: { address: "memory" } },
      { ...shared, peer },
      held,
      () => links.delete(link),
    );
    links.add(link);
    accept(link.server);
    return link;
  };

  const createDialer = (peer: PeerInfo): MemoryDialer => new MemoryDialer(peer, timers, { connect });
  return { acceptor, dialer: createDialer({ address: "memory" }), createDialer };
}
