import type { ErrorCode } from "./errors.js";

/** The versions of this protocol an implementation may speak, newest first. */
export const PROTOCOL_VERSIONS = ["1"] as const;
/** A version of the protocol that this package speaks. */
export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];

/** Names one event of one sender: what an ACK is keyed by. */
export interface EventKey {
  readonly resourceid: string;
  readonly eventid: string;
}

/**
 * What one side knows of the other side's store. A store that knows less of itself was rolled back
 * (PROTOCOL.md, Rolled-back stores).
 */
export interface KnownStore {
  /** Name of that store. */
  readonly store: string;
  /** The last session that the other side is known to have begun; 0 for none. */
  readonly epoch: number;
  /** Highest version of the other side that was recorded or handled; "0" for none. */
  readonly eventid: string;
  /** The highest `recorded` of its ACKs; 0 when there was none. */
  readonly recorded: number;
}

/** Agent to principal, first message of a connection. */
export interface Hello {
  readonly type: "hello";
  readonly agent: string;
  /** Versions the agent speaks, most wanted first. */
  readonly protocol_versions: readonly string[];
  /** Name of the agent's store. It changes only when the store is lost. */
  readonly store: string;
  /** Un-ACKed events the agent accepts. */
  readonly window: number;
  /** Bytes of un-ACKed events it accepts (PROTOCOL.md, Sending). Absent: no limit. */
  readonly window_bytes?: number;
  /** Every event of this sender up to this version is settled. */
  readonly settled: string;
  /** For people, e.g. `hawser-agent/0.1.0`. */
  readonly software: string;
  /** Of the principal's store. Absent: unknown, or rollbacks are not detected. */
  readonly known?: KnownStore;
}

/** Principal to agent, the answer to an accepted hello. */
export interface Welcome {
  readonly type: "welcome";
  readonly protocol_version: ProtocolVersion;
  readonly session_id: string;
  /** Fencing number of this session. The session with the higher number is valid. */
  readonly epoch: number;
  readonly store: string;
  readonly window: number;
  /** As in `hello`, of the principal. */
  readonly window_bytes?: number;
  readonly settled: string;
  readonly heartbeat_interval_ms: number;
  readonly heartbeat_timeout_ms: number;
  readonly software: string;
  /** Of the agent's store, as in `hello`. */
  readonly known?: KnownStore;
}

/** Principal to agent, instead of welcome; the close code follows. */
export interface Refuse {
  readonly type: "refuse";
  readonly code: ErrorCode;
  readonly message: string;
  /** Delay before the next attempt. Absent: the agent's own backoff decides. */
  readonly retry_after_ms?: number;
}

/** Either way: at least once an interval, for liveness and `settled`. */
export interface Heartbeat {
  readonly type: "heartbeat";
  readonly settled: string;
}

/** Either way: these events are applied, durably. */
export interface Ack {
  readonly type: "ack";
  readonly acks: readonly EventKey[];
  /** Events of the peer this store ever recorded, with this ACK. Absent: not counted. */
  readonly recorded?: number;
}

/** Either way: this event was not applied. */
export interface Nack {
  readonly type: "nack";
  readonly resourceid: string;
  readonly eventid: string;
  /** True: resend with backoff. False: it will never succeed; dead letter. */
  readonly retryable: boolean;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Agent to principal: the agent sends only ACKs from here on; the principal confirms. */
export interface Goodbye {
  readonly type: "goodbye";
  readonly reason: "rotation" | "drain" | "stopping";
}

/** Principal to agent: confirms a goodbye; no event follows on this connection. */
export interface GoodbyeAck {
  readonly type: "goodbye_ack";
}

/** Principal to agent: it is going away. The agent says goodbye and returns in its slot. */
export interface Drain {
  readonly type: "drain";
  readonly reason: string;
  /** Length of the window that contains all slots. */
  readonly window_ms: number;
  /** This agent's slot: delay from this notice to the next connection. */
  readonly reconnect_after_ms: number;
}

/** Everything on a stream that is not an event (PROTOCOL.md, Control messages). */
export type ControlMessage = Hello | Welcome | Refuse | Heartbeat | Ack | Nack | Goodbye | GoodbyeAck | Drain;
/** The name of a control message, as its CloudEvents `type` has it. */
export type ControlType = ControlMessage["type"];

/** The CloudEvents `type` of a control message is this prefix, its name and `.v1`. */
export const CONTROL_TYPE_PREFIX = "hawser.control.";
