import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import type { ClientCertificate } from "./client-certificate.js";
import type { Connection, PeerInfo } from "./connection.js";

/** A socket as its listener knows it, which has ended TLS and so seen the certificate. */
export interface SocketInfo {
  readonly address: string;
  /** Absent where the listener asks for none. */
  readonly certificate?: ClientCertificate;
  /** Accepted at the control plane's own port. */
  readonly internal?: boolean;
  /** Refuse it in its own protocol, with the time to come back: HTTP 503, gRPC UNAVAILABLE. */
  readonly refusal?: SocketRefusal;
  /**
   * Called when the acceptor cuts this socket because unauthenticated peers hold too much. Must not
   * throw.
   */
  readonly overBudget?: () => void;
}

/** Why a socket does not become a connection, and when its client may try again. */
export interface SocketRefusal {
  /** The slot of this client alone, in milliseconds from now: it is expected then. */
  readonly retryAfterMs: number;
  readonly message: string;
}

/**
 * Called for each request (a WebSocket upgrade, a gRPC stream) with its headers, before anything is
 * built for it. Undefined accepts it. An error refuses it in its own protocol: `unauthenticated` is
 * HTTP 401 and gRPC UNAUTHENTICATED, `forbidden` is HTTP 403 and gRPC PERMISSION_DENIED. Must not
 * throw.
 */
export type Screen = (peer: PeerInfo) => HawserError | undefined;

/**
 * The principal's end of a transport. It does not listen: a front listener (or three lines of
 * `node:net`) hands it sockets, so that one port serves several transports, and admission is
 * decided before anything is paid for.
 */
export interface Acceptor {
  /** The ALPN name whose sockets belong here. In plaintext, the preface identifies `h2`. */
  readonly alpn: "h2" | "http/1.1";
  /**
   * Begins accepting; `onConnection` must call `open` on each connection, now or later.
   *
   * @param screen @default every request becomes a connection
   * @throws HawserError `invalid_state` (`startedTwice`) where it is started already: it serves one
   *   principal at a time
   */
  start(onConnection: (connection: Connection) => void, screen?: Screen): Promise<void>;
  /** Takes over a connected socket that is unread, or whose bytes have been put back. */
  accept(socket: Duplex, info: SocketInfo): void;
  /** Terminates what is still open and releases everything. */
  stop(): Promise<void>;
}

/** A request to upgrade, as the event `upgrade` of another HTTP server gives it. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Bytes read behind the request. */
  readonly head: Buffer;
}

/**
 * An acceptor whose connections begin with an HTTP/1.1 upgrade, so that another HTTP server can
 * share its port.
 */
export interface UpgradeAcceptor extends Acceptor {
  /** Whether the request is for this acceptor, by its path alone. */
  takesUpgrade(request: IncomingMessage): boolean;
  /**
   * Takes over a socket whose request has been read, as `accept` does; the HTTP server sees no more
   * of it. Before `start` and after `stop` it answers 503.
   */
  acceptUpgrade(upgrade: Upgrade, info: SocketInfo): void;
}

/** Whether this acceptor takes upgrades of another HTTP server. */
export function takesUpgrades(acceptor: Acceptor): acceptor is UpgradeAcceptor {
  return "takesUpgrade" in acceptor && "acceptUpgrade" in acceptor;
}

/** The error of a second `start` of an `Acceptor`. */
export function startedTwice(): HawserError {
  return new HawserError(
    "invalid_state",
    "this acceptor has been started already, by this principal or another one; stop it before you start it again, or make one for each principal",
  );
}
