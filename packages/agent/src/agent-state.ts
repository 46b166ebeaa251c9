import type { HawserError } from "@hawser/protocol";

/** What an agent is doing about its connection. Times are Unix milliseconds. */
export type AgentState =
  /** Not started, or stopped. */
  | { readonly kind: "stopped" }
  /** Handing the resources it holds back to their handlers, before the first connection. */
  | { readonly kind: "restoring" }
  /** Dialling, or waiting for the principal's welcome. */
  | { readonly kind: "connecting"; readonly transport: string; readonly since: number }
  | {
      readonly kind: "connected";
      readonly transport: string;
      readonly sessionId: string;
      readonly epoch: number;
      readonly principalSoftware: string;
      readonly since: number;
    }
  /** The last connection or attempt ended; the next try is `delayMs` after `since`. */
  | {
      readonly kind: "waiting";
      readonly delayMs: number;
      /** Why, in one line. */
      readonly reason: string;
      /** What went wrong, if anything did. */
      readonly error: HawserError | undefined;
      readonly since: number;
    }
  /** Saying goodbye. */
  | { readonly kind: "stopping"; readonly since: number };
