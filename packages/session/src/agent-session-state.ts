import type { KnownStore } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import type { EndCause } from "./session-end.js";
import type { EndingState } from "./session-machine.js";
import type { Established } from "./session-output.js";
import type { SessionTiming } from "./session-timing.js";

/** What an agent brings to a session. */
export interface AgentSessionOptions {
  /** Name of the agent. */
  readonly agent: string;
  /** Name of the agent's store. */
  readonly store: string;
  /** Un-ACKed events this agent accepts, 1 to 65,536. */
  readonly window: number;
  /** Bytes of them. @default DEFAULT_WINDOW_BYTES (8 MiB) */
  readonly windowBytes?: number;
  /** For people, e.g. `hawser-agent/0.1.0`. */
  readonly software: string;
  readonly random: Random;
  readonly timing?: Partial<SessionTiming>;
  /** What the agent knows of the principal's store, if anything. */
  readonly known?: KnownStore;
}

/** Where an agent's session is (PROTOCOL.md, Session). */
export type AgentSessionState =
  | { readonly kind: "new" }
  /** Said hello, waits for welcome. */
  | { readonly kind: "greeting"; readonly deadlineMs: number }
  /** Told to go away; the principal closes. */
  | {
      readonly kind: "refused";
      readonly cause: EndCause & { kind: "refused" };
      readonly deadlineMs: number;
    }
  | { readonly kind: "open"; readonly peer: Established; readonly rotateAtMs: number | undefined }
  /** Said goodbye, waits for goodbye_ack; receives events, sends none. */
  | {
      readonly kind: "leaving";
      readonly cause: EndCause & { kind: "goodbye" };
      readonly deadlineMs: number;
    }
  /** No event follows; what was received is finished and ACKed, what was sent is being ACKed. */
  | {
      readonly kind: "finishing";
      readonly cause: EndCause & { kind: "goodbye" };
      readonly deadlineMs: number;
    }
  | EndingState;
