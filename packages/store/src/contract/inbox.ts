import type { HawserEvent } from "@hawser/protocol";

/** What a store knows of the events of a peer. */
export interface InboxState {
  /** Every version of the peer up to this one is settled. */
  readonly settled: number;
  /** Last applied version per resource, for those above `settled`. */
  readonly applied: ReadonlyMap<string, number>;
  /** Attempts so far at versions whose handler began and was never recorded, by resource. */
  readonly begun: ReadonlyMap<string, { readonly version: number; readonly attempts: number }>;
}

/** A handler is about to run. */
export interface Begun {
  readonly resourceid: string;
  readonly version: number;
  /** 1 for the first. */
  readonly attempt: number;
  /**
   * Name of the store that assigned the version. Nothing is written where the peer's mailbox was
   * last opened for another store, or does not exist. @default the present one
   */
  readonly peerStore?: string;
}

/** What became of a batch that was recorded. */
export interface RecordResult {
  /** How many events of the peer this store has recorded, these included. ACKs carry it. */
  readonly recorded: number;
  /** Places in the batch whose `ifSent` did not hold: nothing was written of them. */
  readonly discarded: readonly number[];
}

/** An event was applied. A refusal is not recorded: if its NACK is lost, the event comes again. */
export interface Recorded {
  readonly resourceid: string;
  readonly version: number;
  /** As in `Begun`. */
  readonly peerStore?: string;
  /**
   * `keep`: the event becomes the received state of its subject. With `ifSent`, only where the
   * commit finds retained sent state of the same resource under its subject; otherwise nothing is
   * written of the event, and it does not count as recorded.
   * `forget`: the subject is gone. Its received state and our retained and pending state of the
   * same resource are removed.
   * Absent: nothing is retained (commands).
   */
  readonly retain?: { readonly keep: HawserEvent; readonly ifSent?: true } | { readonly forget: string };
}
