import type { EventDraft, HawserError, HawserEvent } from "@hawser/protocol";
import type { Begun, InboxState, Recorded, RecordResult } from "./inbox.js";
import type { Standing } from "./rollback.js";

/** One event for one peer. */
export interface Append {
  readonly peer: string;
  readonly event: EventDraft;
  /**
   * The same key for the same peer is accepted once. A repeat answers with the first version and
   * `duplicate`, while the event is pending and then within `maxIdempotencyKeys` and
   * `maxIdempotencyAgeMs`.
   */
  readonly idempotencyKey?: string;
  /**
   * For state events: the version that the retained state of `event.subject` must have now; 0 means
   * there must be none. Otherwise `conflict`. A retained delete matches its version and 0: a
   * deleted resource can be created again before the peer has acknowledged the delete.
   */
  readonly expectedVersion?: number;
}

/** The outcome of one `Append`, in the order of the batch. One failure leaves the others alone. */
export type Appended =
  | { readonly ok: true; readonly version: number; readonly duplicate: boolean }
  | {
      readonly ok: false;
      /**
       * `conflict`: the expected version is not the retained one. `full`: the mailbox is at its
       * cap.
       * `removed`: the peer was removed, and not readmitted since. `unavailable`: not accepted, try
       * again. `unknown`: may have been accepted; repeat with the same idempotency key.
       */
      readonly reason: "conflict" | "full" | "removed" | "unavailable" | "unknown";
      readonly error: HawserError;
    };

/** An accepted event that has not been acknowledged. */
export interface MailboxEntry {
  /**
   * The number in `event.eventid`: position in this mailbox, over all its resources. Versions have
   * no gaps and follow the order of commits: 1, 2, 3 ..., or on from the highest of mailboxes that
   * were removed before. Only a commit with unknown outcome leaves a gap.
   */
  readonly version: number;
  readonly event: HawserEvent;
  /** Counts against the byte cap. */
  readonly bytes: number;
  /** The event as the JSON codec writes it: for a lease `withJson`, if just appended and short. */
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

/** Notifications of the holder of a mailbox. No callback may throw. */
export interface LeaseCallbacks {
  /** Committed after the claim. In version order, not before `open` resolves; may repeat `read`. */
  event(entry: MailboxEntry): void;
  /**
   * There are entries up to this version for which `event` is not called: read them. In order with
   * `event`, and one turn after `open` has resolved at the earliest.
   */
  more(lastVersion: number): void;
  /**
   * Somebody purged these: do not send them any more. In version order. `read` may have returned
   * them, or be about to. Returns how many of them were sent and not answered.
   */
  purged(gone: readonly PurgedEntry[]): number;
  /**
   * `superseded`: a later lease of this client has the mailbox. Nothing is delivered from this one.
   * `taken`: another client of the store has it, and refuses what handlers of this one write.
   * `resync`: entries may have been missed; close, open again.
   * `unreachable`: the store has been out of reach for too long to trust memory; close, open again.
   */
  lost(why: LeaseLoss): void;
}

/** What the store knows as a mailbox is claimed. Nothing comes between this and the claim. */
export interface Found {
  /** Name of the store. */
  readonly store: string;
  /** Undefined before the two stores have met, and after this one was adopted. */
  readonly standing: Standing | undefined;
  /**
   * What peers may know of mailboxes that were removed. All later epochs, versions and counts are
   * higher. So a peer that knows no more than this is no evidence of a rollback.
   */
  readonly forgotten: Standing["own"];
}

/**
 * Decides whether and how a mailbox is claimed, by what the store knows at that moment. It runs
 * within the transaction of the claim: it must be synchronous, short and without effects, as the
 * claim may fail afterwards or be tried again. Throw to refuse: `open` rejects with that and
 * changes nothing.
 */
export type Claim = (found: Found) => LeaseOptions;

/** What is known of the other end when its mailbox is opened. */
export interface LeaseOptions {
  /**
   * Name of the store at the other end, from its hello or welcome. When it differs from the one
   * remembered, the peer lost its state. Its inbox rows here are forgotten, as its versions begin
   * again. Retained state becomes pending again under its own versions, dead letters included, and
   * beyond the caps if need be, as nothing accepted is dropped.
   */
  readonly peerStore: string;
  /**
   * Epoch of the session, where the peer assigns it (an agent's principal): both have begun it.
   *
   * @default the epoch of the lease
   */
  readonly epoch?: number;
  /**
   * The peer has the store remembered here, but has met another store of this side since, and so
   * has forgotten its inbox: retained state becomes pending again. Its own versions continue.
   *
   * @default false
   */
  readonly inboxForgotten?: boolean;
  /** Short entries that were just appended come with their JSON. @default false */
  readonly withJson?: boolean;
  /** Read along with the claim, as by `read(0, limit, maxBytes)`. @default nothing */
  readonly first?: { readonly limit: number; readonly maxBytes?: number };
}

/**
 * The right to deliver one mailbox, and to record the events of its peer. The highest epoch wins.
 *
 * `read`, `acknowledge` and `deadLetter` belong to the newest lease alone. `begin`, `record`,
 * `settle`, `joined` and `use` have effect until another client of the store (another process)
 * claims the mailbox or the peer is removed: also after this lease was closed or superseded by the
 * same client, as a handler may outlive its session. After that, `begin` and `record` reject with
 * `superseded`, the others do nothing, and what the client holds of the inbox in memory is
 * obsolete.
 */
export interface MailboxLease {
  readonly epoch: number;
  /** The highest version that the peer's present store may have been sent before; 0 for none. */
  readonly toldBefore: number;
  /** What the two stores know of each other, as this claim left it. */
  readonly standing: Standing;
  /**
   * No other client has held the mailbox since this one did, and the peer was not removed: what
   * this client holds of the inbox in memory is valid for the store of the peer that it belongs to.
   * Always false for the first lease of a client.
   */
  readonly continues: boolean;
  /** For `LeaseOptions.first`. To be taken as soon as the lease is there. */
  readonly first: readonly MailboxEntry[];
  /** Includes everything that was begun, recorded and settled before the claim. */
  readonly inbox: InboxState;
  /**
   * Up to `limit` pending entries with a version above `after`, in version order. The entry that
   * brings the sum of bytes to `maxBytes` is the last, so there is at least one, if any is pending.
   * Fewer than `limit`, and of fewer bytes than `maxBytes`, means: that is all there is now.
   *
   * @param maxBytes 1 or more. @default Infinity
   * @throws HawserError `superseded` once another holder has the mailbox, `aborted` after `close`
   *   or another loss, `store_unavailable`, `store_full` or `store_corrupt` where the disk cannot
   *   be read
   */
  read(after: number, limit: number, maxBytes?: number): Promise<readonly MailboxEntry[]>;
  /**
   * The peer applied it. Lazy: recorded soon, in batches; losing it costs a resend. Unknown
   * versions are ignored.
   *
   * @param recorded how many of our events the peer says it has recorded. Committed together with
   *   the acknowledgement. @default unknown
   */
  acknowledge(version: number, recorded?: number): void;
  /**
   * Moves a pending entry to the dead letters. Resolves when on disk. False where it is not pending
   * (any more) or this lease is not held, and nothing was moved.
   */
  deadLetter(version: number, reason: DeadLetterReason): Promise<boolean>;
  /**
   * Handlers are about to run. Written but not synced: survives the process, not the machine. Keeps
   * its order with `record`.
   *
   * @throws HawserError `superseded`; `store_unavailable` (also while the peer is being removed),
   *   `store_full` or `store_corrupt` when it could not be written
   */
  begin(batch: readonly Begun[]): Promise<void>;
  /**
   * Events were applied. Durable when resolved. Concurrent calls share one commit. A version older
   * than the one recorded for its resource changes nothing.
   *
   * @throws HawserError as `begin`, `invalid_event` when an event to keep cannot be written, and
   *   `store_full` also where `maxPeers` is reached
   */
  record(batch: readonly Recorded[]): Promise<RecordResult>;
  /**
   * The peer said everything up to `version` is settled: rows up to it are removed, lazily. Never
   * goes back until `open` sees a new store of the peer. For versions of the peer's present store
   * only.
   */
  settle(version: number): void;
  /**
   * The peer has begun the session of this lease, and would know it after any crash. Lazy, but
   * never later than a `record` or an acknowledgement that follows.
   */
  joined(): void;
  /**
   * Handlers of this peer still run: until `release`, which is idempotent, its mailbox stays
   * although nothing was ever kept in it. Without the mailbox, `record` could not tell whose events
   * they were.
   */
  use(): { release(): void };
  /**
   * Writes what `acknowledge`, `settle` and `joined` gathered. Called before a goodbye is answered,
   * so that a peer that goes to another client of the store is not sent acknowledged events again.
   *
   * @throws HawserError `store_unavailable`, `store_full` or `store_corrupt`: it stays gathered
   */
  flush(): Promise<void>;
  /** Writes what was gathered, if possible, and gives the mailbox up. Idempotent. */
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
