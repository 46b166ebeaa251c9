import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import type { ClientCertificate } from "./client-certificate.js";
import type { Connection, PeerInfo } from "./connection.js";

/** What a listener knows of a socket it hands over: TLS has ended there, so only it has seen the certificate. */
export interface SocketInfo {
  readonly address: string;
  /** Absent where the listener asks for none. */
  readonly certificate?: ClientCertificate;
  /** It came by the control plane's own port. */
  readonly internal?: boolean;
  /** Turn it away in its own protocol, with the time to come back: HTTP 503, gRPC UNAVAILABLE. */
  readonly refusal?: SocketRefusal;
  /** Told when the acceptor cuts this socket because strangers hold too much: the listener counts it. Must not throw. */
  readonly overBudget?: () => void;
}

/** Why a socket does not become a connection, and when its client may try again. */
export interface SocketRefusal {
  /** The slot of this very client, from now: it is to come then, neither earlier nor later. */
  readonly retryAfterMs: number;
  readonly message: string;
}

/**
 * Asked for each request (a WebSocket upgrade, a gRPC stream) by its headers, before anything is built for it. The error is what the client is told
 * in its own protocol: `unauthenticated` is HTTP 401 and gRPC UNAUTHENTICATED, `forbidden` is HTTP 403 and gRPC PERMISSION_DENIED. Undefined: the
 * request becomes a connection. Must not throw.
 */
export type Screen = (peer: PeerInfo) => HawserError | undefined;

/**
 * The principal's end of a transport. It does not listen: a front listener (or three lines of `node:net`) hands it sockets, so that one port can
 * serve several transports and admission can be decided before anything is paid for.
 */
export interface Acceptor {
  /** The application protocol (ALPN name) whose sockets belong here. In plaintext, `h2` is known by its preface. */
  readonly alpn: "h2" | "http/1.1";
  /**
   * Begins accepting; `onConnection` must call `open` on what it gets, now or later.
   *
   * @param screen @default every request becomes a connection
   * @throws HawserError `invalid_state` (`startedTwice`) where it has been started and not stopped: it serves one principal at a time, and goes on doing so
   */
  start(onConnection: (connection: Connection) => void, screen?: Screen): Promise<void>;
  /** Takes over a connected socket, of which nothing has been read (or what was read has been put back). */
  accept(socket: Duplex, info: SocketInfo): void;
  /** Terminates what is still open and releases everything. */
  stop(): Promise<void>;
}

/** A request to upgrade that an HTTP server of somebody else's has read: what its event `upgrade` gives. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What was read behind the request. */
  readonly head: Buffer;
}

/** An acceptor whose connections begin with an HTTP/1.1 upgrade, so that it can serve on a server that is there already, beside whatever else that serves. */
export interface UpgradeAcceptor extends Acceptor {
  /** Whether the request is for this acceptor, by its path alone. Those that are not belong to somebody else. */
  takesUpgrade(request: IncomingMessage): boolean;
  /**
   * Takes over a socket whose request has been read: what would have become of it behind `accept` becomes of it here. What befalls the socket from here on reaches nobody else. Before `start` and
   * after `stop` it is answered with 503.
   */
  acceptUpgrade(upgrade: Upgrade, info: SocketInfo): void;
}

/** Whether connections of this acceptor may come by a server that is there already. */
export function takesUpgrades(acceptor: Acceptor): acceptor is UpgradeAcceptor {
  return "takesUpgrade" in acceptor && "acceptUpgrade" in acceptor;
}

/** What an `Acceptor` rejects a second `start` with. */
export function startedTwice(): HawserError {
  return new HawserError(
    "invalid_state",
    "this acceptor has been started already, by this principal or another one; stop it before you start it again, or make one for each principal",
  );
}
