import type { LinkObserver } from "@hawser/link";
import { HawserError } from "@hawser/protocol";
import type { PurgeReport } from "./views.js";

/** What an event that was accepted is known by. */
export interface AcceptedEvent {
  readonly resourceid: string;
  readonly eventid: string;
  readonly type: string;
}

/** Everything worth counting, with the agent it is about. Calls must be cheap and must not throw. */
export interface PrincipalObserver {
  /** An event was accepted for an agent and is on disk; duplicates by idempotency key apart. */
  accepted?(agent: string, event: AcceptedEvent): void;
  /** An event was refused at the edge or by the mailbox. */
  rejected?(agent: string, code: string): void;
  /** A dead letter was thrown away. */
  discarded?(agent: string, eventid: string): void;
  /** Pending events of an agent were thrown away; one at least. */
  purged?(agent: string, report: PurgeReport): void;
  /** A connection asked for a session and was refused. */
  sessionRefused?(agent: string, code: string): void;
  /** What the sessions of one agent do; asked for once per session. */
  link?(agent: string): LinkObserver;
  /** A log line about an agent or an address was left out, because there were too many like it. */
  logLineSuppressed?(): void;
  /** Nothing of this agent is left here: neither a session nor a mailbox with content. Its series may go. */
  gone?(agent: string): void;
}

/** Runs a check of what a publisher handed in; a refusal is counted before it is thrown on. */
export function countRefusals<T>(observer: PrincipalObserver, agent: string, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    observer.rejected?.(agent, HawserError.from(thrown).code);
    throw thrown;
  }
}
