import type { ClientCertificate, Connection, SocketRefusal, Upgrade } from "@hawser/transport";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Where a socket is between accept and session. */
export type SocketStage = "header" | "waiting" | "tls" | "protocol" | "unsupported" | "handedOver";

/** The answer to a connection that asks to become a session. */
export type AdmissionDecision =
  /** It may open, or is gone. */
  | { readonly kind: "proceed" }
  /** Its socket was admitted for another connection, and the line is full: it must come back later. */
  | { readonly kind: "refused"; readonly retryAfterMs: number };

/** A connection that is no session yet: its name, and the way to cut it. */
export type Handshake = Pick<Connection, "peer" | "terminate">;

/** How a handshake ended; `sentAway` is a refusal by this side, which is no failure of the peer. */
export type HandshakeOutcome = "session" | "sentAway" | "ended";

/** How long a client took to become a session, in milliseconds. */
export interface AdmissionTimes {
  /** In line. */
  readonly waitMs: number;
  /** From admission on. */
  readonly handshakeMs: number;
}

/** Why a socket is closed without a session. */
export type DropReason =
  /** Its handshake took too long. */
  | "timeout"
  /** As many others as `maxRefusing` were being refused. */
  | "overCapacity"
  /** There were more than `maxUnauthenticated`, most of them from its source. */
  | "budget";

/** A wait for admission, from both ends. */
export interface AwaitedAdmission {
  /** The connection that waits; its socket may carry others. */
  readonly of: Handshake;
  readonly decided: Promise<AdmissionDecision>;
  readonly decide: (decision: AdmissionDecision) => void;
}

export function awaitAdmission(of: Handshake): AwaitedAdmission {
  let decide = (_decision: AdmissionDecision): void => {};
  const decided = new Promise<AdmissionDecision>((resolve) => (decide = resolve));
  return { of, decided, decide };
}

/** How a socket came here, which says what is left to do before an acceptor takes it. */
export type Entry =
  /** Accepted at the port, and unread. */
  | { readonly kind: "accepted"; readonly socket: Socket }
  /** Accepted by another HTTP server, which has ended TLS and read the request. */
  | {
      readonly kind: "upgrade";
      readonly socket: Duplex;
      readonly upgrade: Upgrade;
      readonly certificate: ClientCertificate | undefined;
    };

/** A socket that carries no session yet. */
export interface PendingSocket {
  readonly kind: "socket";
  readonly entry: Entry;
  readonly socket: Duplex;
  /** `host:port` of the other end; unique among the pending sockets. */
  readonly address: string;
  stage: SocketStage;
  /** Known once TLS has ended, here or before. */
  certificate: ClientCertificate | undefined;
  readonly arrivedAtMs: number;
  /** When its handshake began; undefined while it waits. */
  begunAtMs: number | undefined;
  /** Set where its handshake only serves to deliver this refusal. */
  refusal: SocketRefusal | undefined;
  /** Set once its handshake is complete and it waits to become a session. */
  admission: AwaitedAdmission | undefined;
  /** One of its streams has become a session. */
  carriesSession: boolean;
  /** It showed a good credential, or this side refused it: an end without a session is no failure. */
  isExcused: boolean;
}

export function pendingSocketOf(
  entry: Entry,
  address: string,
  stage: SocketStage,
  arrivedAtMs: number,
): PendingSocket {
  return {
    kind: "socket",
    entry,
    socket: entry.socket,
    address,
    stage,
    certificate: entry.kind === "upgrade" ? entry.certificate : undefined,
    arrivedAtMs,
    begunAtMs: undefined,
    refusal: undefined,
    admission: undefined,
    carriesSession: false,
    isExcused: false,
  };
}

/** Whether a socket that closed was admitted and ended without a session through its own fault. */
export function hasFailed({ begunAtMs, refusal, carriesSession, isExcused }: PendingSocket): boolean {
  return begunAtMs !== undefined && refusal === undefined && !carriesSession && !isExcused;
}
