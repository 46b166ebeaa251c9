import type { EventDraft, HawserError, HawserEvent } from "@hawser/protocol";
import type { Begun, InboxState, Recorded, RecordResult } from "./inbox.js";
import type { Standing } from "./rollback.js";

/** One event for one peer. */
export interface Append {
  readonly peer: string;
  readonly event: EventDraft;
  /**
   * The same key for the same peer is accepted once; a repeat answers with the first version and `duplicate`, for as long as the event is pending and then
   * within `maxIdempotencyKeys` and `maxIdempotencyAgeMs`.
   */
  readonly idempotencyKey?: string;
  /**
   * For state events: the version the retained state of `event.subject` must have now; 0 means there must be none.
   * Otherwise `conflict`. A retained delete counts as its version and as none: what was deleted can be made anew before the peer has acknowledged it.
   */
  readonly expectedVersion?: number;
}

/** What became of one `Append`, in the order of the batch. One item's failure leaves the others alone. */
export type Appended =
  | { readonly ok: true; readonly version: number; readonly duplicate: boolean }
  | {
      readonly ok: false;
      /**
       * `conflict`: the expected version is not the retained one. `full`: the mailbox is at its cap.
       * `removed`: the peer was removed, and not readmitted since.
       * `unavailable`: not accepted, try again. `unknown`: may or may not have been accepted; repeat with the same idempotency key.
       */
      readonly reason: "conflict" | "full" | "removed" | "unavailable" | "unknown";
      readonly error: HawserError;
    };

/** An accepted event that has not been acknowledged. */
export interface MailboxEntry {
  /**
   * The number in `event.eventid`: position in this mailbox, over all its resources. Versions follow each other without gaps, in the order of the commits that made them: 1, 2, 3 ..., or
   * on from what was forgotten where mailboxes were removed before. Only a commit whose end nobody could tell leaves a gap.
   */
  readonly version: number;
  readonly event: HawserEvent;
  /** What it counts against the byte cap. */
  readonly bytes: number;
  /** The event as the JSON codec writes it: only for a lease `withJson`, of entries that were just appended, and of those only where it is short. */
  readonly json?: string | undefined;
  /** It was just appended. */
  readonly checked?: boolean;
}

/** An entry that was purged. */
export interface PurgedEntry {
  readonly version: number;
  readonly resourceid: string;
}

/** Why a holder has lost its mailbox. */
export type LeaseLoss = "superseded" | "taken" | "resync" | "unreachable";

/** What the holder of a mailbox is told. No callback may throw. */
export interface LeaseCallbacks {
  /** Committed after the lease was opened. In version order; may repeat what `read` gives. Never comes before `open` is through. */
  event(entry: MailboxEntry): void;
  /**
   * There are entries up to this version that no `event` came for and none will: to be read. In order with `event`, and one turn after `open` is through at the earliest.
   */
  more(lastVersion: number): void;
  /**
   * These are not pending any more, as somebody purged them: they must not be sent from here on. In version order; `read` may have been given them, or may be about to. Answers
   * how many of them were sent and not answered.
   */
  purged(gone: readonly PurgedEntry[]): number;
  /**
   * `superseded`: a later lease of this client has the mailbox; nothing is delivered from this one any more.
   * `taken`: another client of the store has it, and what handlers of this one write is refused from here on.
   * `resync`: entries may have been missed; close, open again.
   * `unreachable`: the store has been out of reach for too long to go on with what is in memory; close, open again.
   */
  lost(why: LeaseLoss): void;
}

/** What the store knows as a mailbox is claimed. Nothing comes between this and the claim. */
export interface Found {
  /** Name of the store. */
  readonly store: string;
  /** What this store and the one of the peer know of each other. Undefined before they have met, and after this store was adopted until they meet again. */
  readonly standing: Standing | undefined;
  /**
   * What peers may know of mailboxes that are not here any more. Whatever is made here from now on has higher epochs and versions, and
   * counts on from there; so no more than this is no proof that a store was rolled back.
   */
  readonly forgotten: Standing["own"];
}

/**
 * Decides whether a mailbox is claimed, and how, by what the store knows at that moment. It is called within the transaction of the claim, so it is synchronous and short, and has no effects: the claim may
 * fail behind it, or be tried again. What it throws refuses the claim: `open` rejects with that, and nothing is changed.
 */
export type Claim = (found: Found) => LeaseOptions;

/** What is known of the other end when its mailbox is opened. */
export interface LeaseOptions {
  /**
   * Name of the store at the other end, from its hello or welcome. When it differs from the one remembered, the peer lost its state: its inbox rows here
   * are forgotten (its versions begin anew) and retained state becomes pending again under its own versions (its inbox is empty), a dead letter among it
   * included, and beyond the caps if need be: nothing accepted is dropped.
   */
  readonly peerStore: string;
  /**
   * Epoch of the session, where the peer gives it (an agent's principal): from then on this store knows that both have begun it.
   *
   * @default the epoch of the lease
   */
  readonly epoch?: number;
  /**
   * The peer has the store remembered here, but was with another one of this side since, and so has forgotten its inbox: retained state becomes pending again.
   * What is known of its versions stays, as they go on.
   *
   * @default false
   */
  readonly inboxForgotten?: boolean;
  /**
   * Entries that were just appended come with their JSON, where it is short.
   *
   * @default false
   */
  readonly withJson?: boolean;
  /**
   * What is read along with the claim, as by `read(0, limit, maxBytes)`.
   *
   * @default nothing
   */
  readonly first?: { readonly limit: number; readonly maxBytes?: number };
}

/**
 * The right to deliver one mailbox, and to write what becomes of the events of its peer. The highest epoch wins.
 *
 * `read`, `acknowledge` and `deadLetter` belong to the newest lease alone. `begin`, `record`, `settle`, `joined` and `use` have effect as long as no other client of the store
 * (another process) has claimed the mailbox since, and the peer was not removed: also when this lease was closed, or a later one of the same client followed it, as a handler may outlive its
 * session. After that, `begin` and `record` reject with `superseded`, and what the client holds of the inbox in memory is worth nothing; the others do nothing.
 */
export interface MailboxLease {
  readonly epoch: number;
  /** The highest version that an earlier holder can have told the peer's present store; 0 for none. */
  readonly toldBefore: number;
  /** What the two stores know of each other, as this claim left it. */
  readonly standing: Standing;
  /**
   * No other client has held the mailbox since this one did, and the peer was not removed: what this client holds of the inbox in memory is still valid for the store of the peer that it is of. Always
   * false for the first lease of a client.
   */
  readonly continues: boolean;
  /** What `LeaseOptions.first` asked for, to be taken as soon as the lease is there. */
  readonly first: readonly MailboxEntry[];
  /** What is known of the peer's events, with all that was begun, recorded and settled before the claim. */
  readonly inbox: InboxState;
  /**
   * Up to `limit` pending entries with a version above `after`, in version order, ending with the one whose bytes bring the sum to `maxBytes`:
   * so at least one, if there is any. Fewer than `limit`, and of fewer bytes than `maxBytes` (even none), means: that is all there is now.
   *
   * @param maxBytes 1 or more. @default Infinity
   * @throws HawserError `superseded` once another holder has the mailbox, `aborted` after `close` or another loss, `store_unavailable`, `store_full` or
   *   `store_corrupt` where the disk cannot be read
   */
  read(after: number, limit: number, maxBytes?: number): Promise<readonly MailboxEntry[]>;
  /**
   * The peer applied it. Lazy: recorded soon, in batches; losing it only costs a resend. Unknown versions are ignored.
   *
   * @param recorded how many of our events the peer says it has recorded. Written along with this, never before or after. @default unknown
   */
  acknowledge(version: number, recorded?: number): void;
  /** Durably moves a pending entry to the dead letters. Resolves when on disk; false where it is not pending (any more), or this lease is not held, and so nothing was moved. */
  deadLetter(version: number, reason: DeadLetterReason): Promise<boolean>;
  /**
   * Handlers are about to run. Written but not synced: survives the process, not the machine. Order with `record` is kept.
   *
   * @throws HawserError `superseded`; `store_unavailable` (also while the peer is being removed), `store_full` or `store_corrupt` when it could not be written
   */
  begin(batch: readonly Begun[]): Promise<void>;
  /**
   * Events were applied. Durable when resolved. Concurrent calls share one commit. An older version than the one recorded for its resource changes nothing.
   *
   * @throws HawserError as `begin`, `invalid_event` when an event to keep cannot be written, and `store_full` also where `maxPeers` is reached
   */
  record(batch: readonly Recorded[]): Promise<RecordResult>;
  /**
   * The peer said everything up to `version` is settled: rows up to it are dropped, lazily. Never goes back, until `open` sees a new store of the peer: like
   * `record`, this is for versions of the peer's present store only.
   */
  settle(version: number): void;
  /** The peer has begun the session of this lease, and would know it after any crash. Lazy, but never later than a `record` or an acknowledgement that follows. */
  joined(): void;
  /**
   * Handlers of this peer still run: until `release` is called, its mailbox stays although nothing was ever kept in it. Without a mailbox, what `record` is told of the peer would be
   * nobody's. `release` is idempotent.
   */
  use(): { release(): void };
  /**
   * Writes what `acknowledge`, `settle` and `joined` gathered: before a goodbye is answered, so that a peer that goes to another client of the store is not sent again what it
   * has acknowledged.
   *
   * @throws HawserError `store_unavailable`, `store_full` or `store_corrupt`: it stays gathered
   */
  flush(): Promise<void>;
  /** Writes out what was gathered, if that can be, and gives the mailbox up. Idempotent. */
  close(): Promise<void>;
}

/** Why an event became a dead letter, and when. */
export interface DeadLetterReason {
  readonly code: string;
  readonly message: string;
  /** Unix milliseconds. */
  readonly at: number;
}

export interface DeadLetter extends MailboxEntry {
  readonly reason: DeadLetterReason;
}

/** What a mailbox holds, for people and metrics. */
export interface MailboxStats {
  readonly peer: string;
  /** Entries not acknowledged, dead letters apart. */
  readonly pending: number;
  readonly deadLetters: number;
  /** Of both. */
  readonly bytes: number;
  readonly lastVersion: number;
  /** Whether anybody has ever claimed it for a session with its peer. */
  readonly everOpened: boolean;
}
