import type {
  CloseCode,
  ControlMessage,
  HawserError,
  Hello,
  KnownStore,
  ProtocolVersion,
} from "@hawser/protocol";
import type { SessionEnd } from "./session-end.js";

/** What the two sides agreed on. `peer...` is what the other side said of itself. */
export interface Established {
  /** Which side this is. */
  readonly role: "agent" | "principal";
  readonly agent: string;
  readonly protocolVersion: ProtocolVersion;
  readonly sessionId: string;
  /** Of two sessions of one agent the higher is the real one. */
  readonly epoch: number;
  /** Name of the peer's store: a new one means that it lost its state. */
  readonly peerStore: string;
  /** Un-ACKed events the peer accepts. */
  readonly peerWindow: number;
  /** Bytes of un-ACKed events the peer accepts; undefined when it names no limit. */
  readonly peerWindowBytes?: number | undefined;
  /** Every event of the peer up to this version is settled. */
  readonly peerSettled: number;
  readonly peerSoftware: string;
  /** What the peer says of this side's store; undefined when it does not. */
  readonly peerKnown?: KnownStore | undefined;
}

/** The outputs of a session, in order. The driver carries out each at once. */
export type SessionOutput =
  | { readonly kind: "send"; readonly message: ControlMessage }
  /** Principal: who is this? Decide, then call `accept` or `refuse`. */
  | { readonly kind: "authenticate"; readonly hello: Hello }
  /** Events may flow. */
  | { readonly kind: "opened"; readonly peer: Established }
  /** Send no event from now on. Agents: call `idle` whenever nothing is in flight or running. */
  | { readonly kind: "quiesce" }
  /** Every event of the peer up to `version` is settled. */
  | { readonly kind: "settled"; readonly version: number }
  /** Start the close handshake behind everything sent so far. */
  | { readonly kind: "close"; readonly code: CloseCode; readonly reason: string }
  /** Cut the connection. */
  | { readonly kind: "terminate"; readonly error: HawserError }
  /** The last one, once, answering `transportEnded`. */
  | { readonly kind: "ended"; readonly end: SessionEnd };
