import type { HawserError, HawserEvent } from "@hawser/protocol";
import type { Recorded } from "@hawser/store";

/** One event for a handler. */
export interface Delivery {
  readonly event: HawserEvent;
  readonly version: number;
  /** Name of the store that gave the version; by the time a handler gets here, the peer may have another one. */
  readonly peerStore: string;
  /**
   * 1 the first time. Above 1 an earlier run of this very version began and its end was never recorded (it failed, or the process died): its effect
   * may be there already, which is why handlers are idempotent by (`resourceid`, `eventid`).
   */
  readonly attempt: number;
  /** Of the session that the event came by: where several processes share a store, what comes with a lower one than was seen is of a process that was taken over. */
  readonly epoch: number;
  /** Aborted when the mailbox is lost to another process, or to an outage of the store: what the handler does may not be recorded any more. */
  readonly signal: AbortSignal;
}

/** What a handler made of an event. */
export type Outcome =
  /** There is nothing to do about it, now or if it came again: acknowledged without a record. */
  | { readonly kind: "discarded" }
  /** Durably so, before it is acknowledged. With `ifSent` it may turn out as it is recorded that there was nothing to do about it. */
  | { readonly kind: "applied"; readonly retain?: NonNullable<Recorded["retain"]> }
  /** It will never succeed: permanent NACK, dead letter at the sender. */
  | { readonly kind: "rejected"; readonly error: HawserError }
  /** It may succeed later: retryable NACK, the sender backs off. */
  | { readonly kind: "retry"; readonly error: HawserError };
