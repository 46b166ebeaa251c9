import type { HawserError, HawserEvent } from "@hawser/protocol";
import type { Recorded } from "@hawser/store";

/** One event for a handler. */
export interface Delivery {
  readonly event: HawserEvent;
  readonly version: number;
  /** The peer's store that gave the version; the peer may have another one by now. */
  readonly peerStore: string;
  /**
   * 1 the first time. Above 1 an earlier run of this very version began and its end was never
   * recorded (it failed, or the process died): its effect may be there already, which is why
   * handlers are idempotent by (`resourceid`, `eventid`).
   */
  readonly attempt: number;
  /**
   * Of the event's session. In a shared store a lower one than seen belongs to a replaced process.
   */
  readonly epoch: number;
  /**
   * Aborted when the mailbox is lost or the store is out: the effect may not be recorded. Not
   * aborted when another process opens the mailbox after this session has ended.
   */
  readonly signal: AbortSignal;
}

/** What a handler made of an event. */
export type Outcome =
  /** There is nothing to do about it, now or if it came again: acknowledged without a record. */
  | { readonly kind: "discarded" }
  /** Recorded before the ACK. With `ifSent` the record may turn it into `discarded`. */
  | { readonly kind: "applied"; readonly retain?: NonNullable<Recorded["retain"]> }
  /** It will never succeed: permanent NACK, dead letter at the sender. */
  | { readonly kind: "rejected"; readonly error: HawserError }
  /** It may succeed later: retryable NACK, the sender backs off. */
  | { readonly kind: "retry"; readonly error: HawserError };
