import type { HawserEvent } from "@hawser/protocol";

/** What was known of a peer's events when its inbox was loaded. */
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

/** An event was applied. A refusal is not recorded: should its NACK be lost, the event comes again and is refused again. */
export interface Recorded {
  readonly resourceid: string;
  readonly version: number;
  /** As in `Begun`. */
  readonly peerStore?: string;
  /**
   * `keep`: this event is now the received state of its subject. `forget`: the subject is gone; received state and own retained and pending state
   * events of the same resource go with it. Absent: nothing is retained (commands).
   */
  readonly retain?: { readonly keep: HawserEvent } | { readonly forget: string };
}

/** The receiving side of a store, per peer. */
export interface InboxStore {
  load(peer: string): Promise<InboxState>;
  /**
   * Events of the peer are being applied from here on: until `release` is called, its mailbox stays although nothing was ever kept in it. Without a mailbox,
   * what `record` is told of the peer would be nobody's. `release` is idempotent.
   */
  use(peer: string): { release(): void };
  /** Written but not synced: survives the process, not the machine. Order with `record` is kept. */
  begin(peer: string, batch: readonly Begun[]): Promise<void>;
  /** Durable when resolved. Concurrent calls share one commit. An older version than the one recorded for its resource changes nothing. */
  record(peer: string, batch: readonly Recorded[]): Promise<void>;
  /**
   * The peer said everything up to `version` is settled: rows up to it are dropped, lazily. Never goes back, until `open` sees a new store of the peer: like
   * `record`, this is for versions of the peer's present store only.
   */
  settle(peer: string, version: number): void;
  /** The peer has begun the session of this epoch, and would know it after any crash. Lazy, but never later than a `record` or an acknowledgement that follows. */
  joined(peer: string, epoch: number): void;
  /** How many events of the peer were recorded in the life of this store, as committed: what ACKs tell. */
  recorded(peer: string): number;
}
