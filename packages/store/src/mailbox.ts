import type { EventDraft, HawserError, HawserEvent } from "@hawser/protocol";

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
  /** The number in `event.eventid`: position in this mailbox, so increasing over the whole mailbox and not only per resource. */
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

/** What the holder of a mailbox is told. No callback may throw. */
export interface LeaseCallbacks {
  /** Committed after the lease was opened. In version order; may repeat what `read` gives. */
  event(entry: MailboxEntry): void;
  /**
   * These are not pending any more, as somebody purged them: they must not be sent from here on. In version order; `read` may have been given them, or may be about to. Answers
   * how many of them were sent and not answered.
   */
  purged(gone: readonly PurgedEntry[]): number;
  /**
   * `superseded`: another holder opened this mailbox; nothing here has any effect any more.
   * `resync`: entries may have been missed; close, open again.
   */
  lost(why: "superseded" | "resync"): void;
}

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
}

/** The right to deliver one mailbox. The highest epoch wins; an older lease turns inert. */
export interface MailboxLease {
  readonly epoch: number;
  /** The highest version that an earlier holder can have told the peer's present store; 0 for none. */
  readonly toldBefore: number;
  /**
   * Up to `limit` pending entries with a version above `after`, in version order, ending with the one whose bytes bring the sum to `maxBytes`:
   * so at least one, if there is any. Fewer than `limit`, and of fewer bytes than `maxBytes` (even none), means: that is all there is now.
   *
   * @param maxBytes 1 or more. @default Infinity
   * @throws HawserError `superseded` once another holder has the mailbox, `aborted` after `close` or `lost("resync")`, `store_unavailable`, `store_full` or
   *   `store_corrupt` where the disk cannot be read
   */
  read(after: number, limit: number, maxBytes?: number): Promise<readonly MailboxEntry[]>;
  /** The peer applied it. Lazy: recorded soon, in batches; losing it only costs a resend. Unknown versions are ignored. */
  acknowledge(version: number): void;
  /** How many of our events the peer says it has recorded, in the ACK that `acknowledge` is about to be called for. Written along with it, never before or after. */
  peerRecorded(count: number): void;
  /** Durably moves a pending entry to the dead letters. Resolves when on disk; false where it is not pending (any more), or this lease is not held, and so nothing was moved. */
  deadLetter(version: number, reason: DeadLetterReason): Promise<boolean>;
  /** Writes out what `acknowledge` gathered and gives the mailbox up. Idempotent. */
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

/** Both caps count pending entries and dead letters together. At either, `append` answers `full`. */
export interface MailboxLimits {
  /** @default 100_000 */
  readonly maxEntries: number;
  /** @default 256 MiB */
  readonly maxBytes: number;
  /**
   * How many idempotency keys a mailbox remembers beside those of pending events, oldest forgotten first. The key of a pending event is never forgotten, so `maxEntries`
   * bounds how many there can be of those. About 200 bytes of disk each. @default 100_000
   */
  readonly maxIdempotencyKeys: number;
  /** How long the key of an event that is not pending any more is remembered, from when it was accepted, by the wall clock. @default 86_400_000 (24 h) */
  readonly maxIdempotencyAgeMs: number;
  /** Mailboxes in one store; appending for one more answers `full`, opening one more is refused. @default 100_000 */
  readonly maxPeers: number;
  /** Peers of which one store remembers that they were removed; of more, the one removed longest ago is forgotten, and may begin anew. About 100 bytes of memory each. @default 10_000 */
  readonly maxTombstones: number;
}

/** What holds for whatever `limits` leaves out; what happens at each is at `MailboxLimits`. */
export const DEFAULT_MAILBOX_LIMITS: MailboxLimits = {
  maxEntries: 100_000,
  maxBytes: 268_435_456,
  maxIdempotencyKeys: 100_000,
  maxIdempotencyAgeMs: 86_400_000,
  maxPeers: 100_000,
  maxTombstones: 10_000,
};
