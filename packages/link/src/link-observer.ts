import type { ErrorCode, HawserEvent } from "@hawser/protocol";
import type { Established, SessionEnd } from "@hawser/session";

/** Why an event was acknowledged and not applied. */
export type SkipReason = "duplicate" | "stale" | "discarded";

/**
 * Observes a link: for metrics, logs, consoles. Calls come after the fact, on the hot path: they
 * must be cheap and must not throw. An error ends the session of the event with `internal`, and no
 * other.
 */
export interface LinkObserver {
  opened?(session: Established): void;
  /** An event was handed to the connection; `attempt` above 1 is a resend within this session. */
  sent?(event: HawserEvent, attempt: number): void;
  /** The peer applied an event. `rttMs` is absent for events that were sent more than once. */
  acked?(event: {
    readonly resourceid: string;
    readonly version: number;
    readonly rttMs: number | undefined;
  }): void;
  nacked?(event: {
    readonly resourceid: string;
    readonly eventid: string;
    readonly retryable: boolean;
    readonly code: ErrorCode;
    readonly message: string;
  }): void;
  /** An event of ours went to the dead letters. */
  deadLettered?(event: HawserEvent, code: ErrorCode, message: string): void;
  /** An event of the peer was applied and recorded. */
  applied?(event: HawserEvent): void;
  /** An event of the peer was acknowledged without being applied, for the reason given. */
  skipped?(event: HawserEvent, why: SkipReason): void;
  /** An event of the peer was refused. */
  refused?(event: HawserEvent, retryable: boolean, code: ErrorCode, message: string): void;
  ended?(end: SessionEnd): void;
}
