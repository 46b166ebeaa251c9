import type { Hello, KnownStore, ProtocolVersion } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import type { EndCause } from "./session-end.js";
import type { EndingState } from "./session-machine.js";
import type { Established } from "./session-output.js";
import type { SessionTiming } from "./session-timing.js";

/** What a principal brings to a session. */
export interface PrincipalSessionOptions {
  /** Name of the principal's store. */
  readonly store: string;
  /** Un-ACKed events this principal accepts, 1 to 65,536. */
  readonly window: number;
  /** Bytes of them. @default DEFAULT_WINDOW_BYTES (8 MiB) */
  readonly windowBytes?: number;
  /** For people, e.g. `hawser-principal/0.1.0`. */
  readonly software: string;
  readonly random: Random;
  /** The rotation is the agent's; a principal does not read its bounds. */
  readonly timing?: Partial<SessionTiming>;
}

/** What the principal gives an agent that it lets in. */
export interface Acceptance {
  readonly sessionId: string;
  /** From the lease of the agent's mailbox. */
  readonly epoch: number;
  /** Floor of this side's mailbox for the agent. */
  readonly settled: number;
  /** What the principal knows of the agent's store, if anything. */
  readonly known?: KnownStore | undefined;
}

/** How an agent is asked to come back later. */
export interface DrainOrder {
  /** All slots lie within this long. */
  readonly windowMs: number;
  /** This agent's slot, from now. */
  readonly slotMs: number;
  readonly reason: string;
}

/** Where a principal's session is (PROTOCOL.md, Session). */
export type PrincipalSessionState =
  | { readonly kind: "new" }
  | { readonly kind: "awaitingHello"; readonly deadlineMs: number }
  /** `authenticate` was put out; `accept` or `refuse` is awaited. */
  | {
      readonly kind: "authenticating";
      readonly hello: Hello;
      readonly version: ProtocolVersion;
      readonly deadlineMs: number;
    }
  | { readonly kind: "open"; readonly peer: Established; readonly tooOldAtMs: number | undefined }
  /** Sent a drain notice, waits for goodbye; events still flow. */
  | { readonly kind: "draining"; readonly peer: Established; readonly deadlineMs: number }
  /** Answered a goodbye; the agent finishes and closes. */
  | {
      readonly kind: "parting";
      readonly cause: EndCause & { kind: "goodbye" };
      readonly deadlineMs: number;
    }
  | EndingState;
