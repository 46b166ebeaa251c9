import type { HawserEvent } from "@hawser/protocol";

/** What a store knows of the events of a peer. */
export interface InboxState {
  /** Every version of the peer up to this one is settled. */
  readonly settled: number;
  /** Last applied version per resource, for those above `settled`. */
  readonly applied: ReadonlyMap<string, number>;
  /** Versions whose handler had begun and whose end was never recorded: attempts so far, by resource. */
  readonly begun: ReadonlyMap<string, { readonly version: number; readonly attempts: number }>;
}

/** A handler is about to run. */
export interface Begun {
  readonly resourceid: string;
  readonly version: number;
  /** 1 for the first. */
  readonly attempt: number;
  /** Name of the store that gave the version. Of another one than its mailbox was last opened for, or without a mailbox, nothing is written. Absent: the present one. */
  readonly peerStore?: string;
}

/** What became of a batch that was recorded. */
export interface RecordResult {
  /** How many events of the peer are recorded in the life of the store, these included: what ACKs tell. */
  readonly recorded: number;
  /** Places in the batch of those of which nothing was written, because of their `ifSent`. */
  readonly discarded: readonly number[];
}

/** An event was applied. A refusal is not recorded: should its NACK be lost, the event comes again and is refused again. */
export interface Recorded {
  readonly resourceid: string;
  readonly version: number;
  /** As in `Begun`. */
  readonly peerStore?: string;
  /**
   * `keep`: this event is now the received state of its subject. With `ifSent`, only where the retained sent state of its subject is still of the same resource, as the commit finds it; where it is not,
   * nothing is written of the event, and it does not count as recorded.
   * `forget`: the subject is gone; received state and own retained and pending state events of the same resource go with it.
   * Absent: nothing is retained (commands).
   */
  readonly retain?: { readonly keep: HawserEvent; readonly ifSent?: true } | { readonly forget: string };
}
