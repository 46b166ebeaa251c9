import type { LinkObserver } from "@hawser/link";

/** Everything worth counting, with the agent it is about. Calls must be cheap and must not throw. */
export interface PrincipalObserver {
  /** Events accepted for an agent, on disk; duplicates by idempotency key apart. */
  accepted?(agent: string, count: number): void;
  /** An event was refused at the edge or by the mailbox. */
  rejected?(agent: string, code: string): void;
  /** A connection asked for a session and was refused. */
  sessionRefused?(agent: string, code: string): void;
  /** What the sessions of one agent do; asked for once per session. */
  link?(agent: string): LinkObserver;
  /** Nothing of this agent is left here: neither a session nor a mailbox with content. Its series may go. */
  gone?(agent: string): void;
}
