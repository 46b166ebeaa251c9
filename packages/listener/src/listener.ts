import type { Lifecycle, Runtime } from "@hawser/runtime";
import type { Acceptor } from "@hawser/transport";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { AdmissionSettings } from "./admission/admission-settings.js";
import type { BoundAddress, ListenerTls, UpgradeSource } from "./listener-options.js";
import type { ListenerStats } from "./listener-outcomes.js";
import type { AdmissionDecision, AdmissionTimes, Handshake, HandshakeOutcome } from "./pending-socket.js";

/** What a listener needs besides its options. */
export interface ListenerParts {
  readonly runtime: Runtime;
  /** One per protocol. Their owner starts them before this listener and stops them after it. */
  readonly acceptors: readonly Acceptor[];
  /** Whether this is the control plane's own port; the acceptors learn it. @default false */
  readonly internal?: boolean;
}

/**
 * A port (or a Unix socket) in front of the acceptors: it admits sockets at a bounded rate and hands
 * each to the acceptor of its protocol.
 */
export interface Listener<Address = BoundAddress> extends Lifecycle<Address> {
  /**
   * Takes a request to upgrade from another HTTP server (its event `upgrade`), if it is for an
   * acceptor here: from then on it is treated like a socket at the port, admission included. While
   * this listener is not started it answers 503 with a time to come back. Never throws.
   *
   * @returns false for a request that is for somebody else, which is left untouched
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, source?: UpgradeSource): boolean;
  /**
   * Resolves when this connection may become a session, at the rate of the settings, or is gone.
   * A further stream of an admitted socket waits in line like a new socket, and may be refused.
   */
  awaitAdmission(connection: Handshake): Promise<AdmissionDecision>;
  /**
   * A connection began on a socket of this listener: it counts as unauthenticated until
   * `handshakeDone`, and is cut where there are too many.
   */
  opened(connection: Handshake): void;
  /** The peer at this address has shown a good credential: it is the last to be cut. */
  known(address: string): void;
  /** This connection became a session, or ended: frees its place. Undefined for one without a place. */
  handshakeDone(connection: Handshake, became: HandshakeOutcome): AdmissionTimes | undefined;
  /** A slot for a client that is refused behind this listener. In milliseconds from now. */
  slot(): number;
  /** Changes the admission settings named here. @throws HawserError `invalid_config` */
  configure(admission: Partial<AdmissionSettings>): void;
  /**
   * New handshakes use these; open sessions stay. Only for a listener that began with TLS.
   *
   * @throws HawserError `invalid_config` when they are not usable; the old ones stay
   */
  secure(tls: ListenerTls): void;
  /** End of the served certificate, in Unix milliseconds. Undefined without TLS. */
  readonly certificateNotAfter: number | undefined;
  stats(): ListenerStats;
}
