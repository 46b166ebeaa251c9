import type { Deliverable } from "./deliverable.js";
import type { InboxBudget } from "./inbox-budget.js";

/** What a store knows of a peer when its inbox is made. */
export interface InboxSnapshot {
  /** Every version of the peer up to this one is settled. */
  readonly settled: number;
  /** Last applied version per resource, for those above `settled`. */
  readonly applied: ReadonlyMap<string, number>;
  /** By resource: a version whose handler began and never ended on record, and its attempts. */
  readonly begun: ReadonlyMap<string, { readonly version: number; readonly attempts: number }>;
}

/** What to do with an event that arrived. */
export type Received =
  /** Hand it to its handler; `attempt` is 1 the first time. Then `finish`. */
  | { readonly kind: "apply"; readonly attempt: number }
  /**
   * It is being applied or queued; its answer follows. ACK the states it `superseded` in the queue.
   */
  | { readonly kind: "wait"; readonly superseded: readonly Deliverable[] }
  /** This very version is recorded as applied: ACK. */
  | { readonly kind: "duplicate" }
  /** A newer version came before it, or the peer itself has settled it: ACK. */
  | { readonly kind: "stale" }
  /**
   * NACK, retryable. `rows`: too many resources of this peer, until its settled floor rises.
   * `memory`: too much is being applied, until a handler ends.
   */
  | { readonly kind: "full"; readonly of: "rows" | "memory" };

/** An event that arrived. */
export interface Arrived extends Deliverable {
  /** About what it takes in memory. @default `bytes` */
  readonly heapBytes?: number;
  /**
   * Whether the store is told that its handler begins. Where it is not, nothing of a refused event
   * is remembered here either.
   *
   * @default true
   */
  readonly isAttemptRecorded?: boolean;
}

/** What an inbox may hold. */
export interface InboxLimits {
  /** Resources remembered of this peer; one more is answered `full`. @default MAX_INBOX_ROWS */
  readonly maxRows?: number;
  /**
   * What the rows of all peers may take in memory; to be shared by all inboxes of a process.
   *
   * @default one of its own
   */
  readonly budget?: InboxBudget;
  /**
   * What may be applied at once, as it is in memory; what is more comes alone.
   *
   * @default Infinity
   */
  readonly maxHeapBytes?: number;
}

/** An event whose turn has come: hand it to its handler. */
export interface Starting extends Deliverable {
  readonly attempt: number;
}

/** What the end of a handler sets free. */
export interface Finished {
  readonly next: Starting | undefined;
  /** They came behind an event that has to be tried again first: NACK them, retryable. */
  readonly blocked: readonly Deliverable[];
}

/** How an event ended. `discarded`: answered as applied, and had no effect. */
export type Ending = "applied" | "discarded" | "rejected" | "retry";
