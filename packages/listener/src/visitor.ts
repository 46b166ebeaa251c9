import type { ClientCertificate, Connection, SocketRefusal, Upgrade } from "@hawser/transport";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Where a socket is between accept and session. */
export type VisitorStage = "header" | "waiting" | "tls" | "protocol" | "unsupported" | "handedOver";

/** What became of the wait of a connection that could be a session. */
export type Turn =
  /** It may open, or is gone. */
  | { readonly kind: "come" }
  /** Its socket has had its turn for another, and the line is full: it has to go and come back. */
  | { readonly kind: "refused"; readonly retryAfterMs: number };

/** What a connection is known by here, and how it is cut. */
export type Arrival = Pick<Connection, "peer" | "terminate">;

/** What became of a connection: a session, or nothing; "sentAway" for a reason of this side, which is no fault of the peer's. */
export type Settlement = "session" | "sentAway" | "ended";

/** The wait for a turn, from both ends. */
export interface AwaitedTurn {
  /** Of a socket that carries many connections: the one that the wait of the socket was for. */
  readonly of: Arrival;
  readonly decided: Promise<Turn>;
  readonly decide: (turn: Turn) => void;
}

/** A wait that begins now. */
export function awaitTurn(of: Arrival): AwaitedTurn {
  let decide = (_turn: Turn): void => {};
  const decided = new Promise<Turn>((resolve) => (decide = resolve));
  return { of, decided, decide };
}

/** How a socket got here, and so what is left to be done before an acceptor may have it. */
export type Entry =
  /** Accepted at the port: nothing of it has been read. */
  | { readonly kind: "accepted"; readonly socket: Socket }
  /** Accepted by an HTTP server of somebody else's, which has ended TLS and read the request. */
  | {
      readonly kind: "upgrade";
      readonly socket: Duplex;
      readonly upgrade: Upgrade;
      readonly certificate: ClientCertificate | undefined;
    };

/** A socket that is not a session yet. */
export interface Visitor {
  readonly kind: "socket";
  readonly entry: Entry;
  readonly socket: Duplex;
  /** `host:port` of the other end; no other visitor has it. */
  readonly address: string;
  stage: VisitorStage;
  /** Known once TLS has ended, here or before. */
  certificate: ClientCertificate | undefined;
  readonly arrivedAtMs: number;
  /** When its handshake began; undefined while it waits. */
  begunAtMs: number | undefined;
  /** It is only let in to be told this. */
  refusal: SocketRefusal | undefined;
  /** It is through with its handshake, and waits for its turn. */
  turn: AwaitedTurn | undefined;
  /** Another stream of it has become a session. */
  carriesSession: boolean;
  /** It has shown a good credential, or was sent away for a reason of this side: if nothing comes of it, that is not its fault. */
  isExcused: boolean;
}

/**
 * A further stream of a socket that has had its turn (HTTP/2 carries many, and a proxy may carry a whole fleet over a few). It stands in the same line, behind
 * those before it, with nothing to be paid for but the session; the socket is not its own, so it is never cut.
 */
export interface FurtherStream {
  readonly kind: "stream";
  readonly arrivedAtMs: number;
  begunAtMs: number | undefined;
  readonly turn: AwaitedTurn;
}
