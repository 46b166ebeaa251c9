import type { MailboxStats } from "./mailbox.js";
import type { Page } from "./retained.js";

/** Who claims a mailbox, for people and logs. */
export interface Holder {
  /** Name of the session, or what takes its place. */
  readonly session: string;
  /** Name of the transport, such as `ws`; empty without one. */
  readonly transport: string;
  /** Where the peer is connected from; empty where it is not. */
  readonly address: string;
  /** The peer came by the internal port, or is a part of this process. */
  readonly internal: boolean;
  /** Software of the peer, as it says; empty when it does not. */
  readonly software: string;
}

/** What a mailbox holds, and who holds it. */
export interface PeerView extends MailboxStats {
  /** Absent while nobody holds the mailbox. */
  readonly holder?: Holder & {
    /** Name of the member of the store that claimed it. */
    readonly member: string;
    /** Of the lease. */
    readonly epoch: number;
    /** When it was claimed, Unix milliseconds. */
    readonly since: number;
  };
  /** When the mailbox was last held, Unix milliseconds: now, while it is. Absent if unknown. */
  readonly seenAt?: number;
}

/** Which peers are listed, and how. */
export interface PeerQuery extends Page {
  /** Only peers whose name begins so. @default all */
  readonly prefix?: string;
  /** Only peers whose mailbox somebody holds, or only the others. @default both */
  readonly held?: boolean;
  /**
   * `name`: in code unit order. `pending`: most pending events first, then by name; `after` stands
   * for the present place of that peer, and nothing follows a peer that is gone.
   *
   * @default name
   */
  readonly order?: "name" | "pending";
}

/** Sums over all mailboxes. They are kept, so asking costs nothing. */
export interface StoreTotals {
  readonly peers: number;
  /** Mailboxes that somebody holds. */
  readonly held: number;
  readonly pending: number;
  readonly deadLetters: number;
  /** Of pending events and dead letters, as they count against `maxBytes`. */
  readonly bytes: number;
}

/** A process that uses the store. */
export interface Member {
  readonly name: string;
  /** When it began to, Unix milliseconds. */
  readonly since: number;
  /** When it was last heard of, Unix milliseconds. */
  readonly seenAt: number;
  readonly isSelf: boolean;
}

/** Notifications of a store to those who watch it. */
export interface StoreWatcher {
  /**
   * The row of this peer changed: its holder or its counters. Best effort, once for many changes:
   * ask to be certain. Exceptions are logged.
   */
  peer(name: string): void;
}

/**
 * `ready`: it can be read. It may be full, which each write finds out.
 * `unreachable`: it can be neither read nor written now.
 * `rolled_back`: it lost answered writes, and serves nobody until it is adopted.
 * `fenced`: another run of this member has taken its place.
 */
export type StoreStatus = "ready" | "unreachable" | "rolled_back" | "fenced";
