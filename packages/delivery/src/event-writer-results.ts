import type { Deliverable } from "./deliverable.js";
import type { Refused } from "./lane.js";

/** What to do next. */
export type Transmission =
  /** Send it. `attempt` is 1 for the first send of this session. */
  | { readonly kind: "send"; readonly entry: Deliverable; readonly attempt: number }
  /**
   * A superseded or purged event is not resent, and nothing of its resource replaces it yet:
   * nothing to do.
   */
  | { readonly kind: "gaveWay"; readonly entry: Deliverable }
  /** A command past its `expirytime`: write its dead letter, then call `deadLetterWritten`. */
  | { readonly kind: "expired"; readonly entry: Deliverable };

/** What an ACK changed. */
export type AckResult =
  | {
      readonly kind: "acked";
      readonly version: number;
      /** From send to ACK; undefined where it was sent more than once, or is not in flight. */
      readonly rttMs: number | undefined;
      /** Sends of this session. 0: a session before this one had sent it. */
      readonly attempts: number;
      /** A newer state of the resource was waiting already, or the event had been purged. */
      readonly superseded: boolean;
    }
  /** Not the event whose turn it is: settled before, or never offered. */
  | { readonly kind: "unknown" };

/** What becomes of an event that its receiver did not apply. */
export type NackResult =
  /** Goes again at `dueAtMs` (monotonic); the resource waits until then. */
  | { readonly kind: "retry"; readonly dueAtMs: number }
  /** Write it to the dead letters, then call `deadLetterWritten`; the resource waits until then. */
  | { readonly kind: "deadLetter"; readonly entry: Deliverable }
  /** A newer state replaced it, or it was purged: no resend, no dead letter. */
  | { readonly kind: "superseded"; readonly version: number }
  /** Nothing to refuse: settled before, waiting for its next try, or never offered. */
  | { readonly kind: "unknown" };

/** A resource that left memory until its next try, with its held versions `from` to `to`. */
export interface SetAside {
  readonly resourceid: string;
  /** Version of the event that was refused. */
  readonly from: number;
  readonly to: number;
  /** Type of that event. */
  readonly type: string;
  readonly refused: Refused | undefined;
  /** Monotonic milliseconds of its next try. */
  readonly dueAtMs: number;
}
