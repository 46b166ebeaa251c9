import { HawserError } from "@hawser/protocol";
import type { DisposableLifecycle } from "@hawser/runtime";
import type { Append, Appended, Claim, DeadLetter, LeaseCallbacks, MailboxLease } from "./mailbox.js";
import type { Page, RetainedStates } from "./retained.js";
import type { Standing } from "./rollback.js";
import type { Holder, Member, PeerQuery, PeerView, StoreStatus, StoreTotals, StoreWatcher } from "./views.js";
import type { Tombstone } from "./tombstone.js";

/** What a removal depends on. */
export interface RemoveOptions {
  /**
   * Answers `pending` and removes nothing when an event is pending, as the commit finds it. So no
   * accepted event is lost unseen.
   *
   * @default false
   */
  readonly ifNothingPending?: boolean;
  /**
   * Remembers that the peer was removed, and when: `append` and `open` are refused with
   * `agent_removed` until `readmit`. Written with the first commit of the removal, and also where
   * there is nothing to remove.
   *
   * @default nothing is remembered, and the name may come again
   */
  readonly tombstone?: {
    /** Unix milliseconds. */
    readonly at: number;
  };
}

/** `removed`: nothing of the peer is left. `none`: there was nothing. `pending`: not removed. */
export type Removal = "removed" | "none" | "pending";

/** Which pending events are purged. */
export interface PurgeOptions {
  /**
   * `<kind>/<name>` of a resource: events with this subject, and others, such as commands, with the
   * `resourceid` of one of its retained or pending states.
   *
   * @default all events of the peer
   */
  readonly subject?: string;
}

/** What a purge did. */
export interface Purged {
  /** Events that are not pending any more, and will not be sent. */
  readonly purged: number;
  /**
   * How many of them the present holder had sent without an answer: the peer may apply them. Where
   * another client of the store holds the mailbox, the most that it can have sent.
   */
  readonly inFlight: number;
  /** Events of the peer that are pending now, newer ones included. */
  readonly left: number;
}

/** One part of a program that uses a store (`Store.use`). */
export interface StoreUse {
  /**
   * Ends this use. The last one to end closes a store that was not started; then this resolves when
   * it is closed. Idempotent; without effect after `stop`.
   */
  release(): Promise<void>;
}

/**
 * Everything one side keeps: a mailbox, an inbox and retained state per peer.
 *
 * Claim, pending and watch of a mailbox are one operation (`open`), because delivery depends on
 * their order.
 *
 * Agents, principals, event logs and sinks `use` their store, so nobody has to start one. It is
 * open while it is used, and from `start` to `stop`. `stop` closes it for everybody. Both may be
 * called at any time, in any order.
 */
export interface Store extends DisposableLifecycle {
  /**
   * Random name of the contents. A new one tells peers that everything before it is gone. Known
   * after `start`. It may change while the store runs, when a rolled-back store is adopted: read it
   * at each hello.
   */
  readonly id: string;
  readonly retained: RetainedStates;

  /**
   * Opens it until `stop`. Idempotent.
   *
   * @throws HawserError `store_unavailable`, `store_full`, `store_corrupt`
   */
  start(): Promise<void>;
  /** Writes what was gathered, and closes it for everybody, uses included. */
  stop(): Promise<void>;
  /**
   * Opens it until the answer is released, or longer where it is used elsewhere or was started.
   *
   * @throws HawserError `store_unavailable`, `store_full`, `store_corrupt`; `aborted` when it was
   *   stopped meanwhile
   */
  use(): Promise<StoreUse>;

  /** Accepts events: `ok` means on disk. Concurrent calls share commits. Never rejects. */
  append(batch: readonly Append[]): Promise<readonly Appended[]>;

  /**
   * Claims the mailbox of `peer`: raises the epoch durably, notifies the previous holder, and from
   * then on calls `on` for each entry committed. Earlier entries are there to `read`.
   *
   * @throws what `claim` throws; HawserError `store_unavailable`, `agent_removed` where the peer
   *   has a tombstone, `store_full` where the disk is full or `maxPeers` is reached, `superseded`
   *   where the mailbox was claimed again meanwhile
   */
  open(peer: string, holder: Holder, claim: Claim, on: LeaseCallbacks): Promise<MailboxLease>;

  /**
   * The evidence of a rollback between this store and the one of `peer`, as committed, for a hello.
   * Undefined before its mailbox was opened, and after the store was adopted until it is opened
   * again. A claim is given it, too.
   */
  standing(peer: string): Promise<Standing | undefined>;

  /**
   * Removes everything about a peer: mailbox, dead letters, retained state, inbox. Its holder loses
   * it as `superseded`. Durable once resolved. It takes as many commits as it needs; meanwhile
   * `append`, `requeue`, `open`, `begin` and `record` of this peer are refused with
   * `store_unavailable`. A removal that has begun is finished: after a failure when the disk can be
   * written, after a crash by the next start.
   *
   * A mailbox in which nothing was ever kept is removed some time after its holder has given it up,
   * or after the store has started.
   *
   * @throws HawserError `store_unavailable`, `store_full` or `store_corrupt` when it could not be
   *   written
   */
  remove(peer: string, options?: RemoveOptions): Promise<Removal>;

  /**
   * The removal of this peer, as committed. Of more than `maxTombstones` the oldest are forgotten.
   */
  tombstone(peer: string): Promise<Tombstone | undefined>;
  /** In code unit order of peers. */
  tombstones(page: Page): Promise<readonly Tombstone[]>;
  /**
   * Deletes the tombstone of a peer, so that the name can be used again. Durable once resolved.
   * False where there is none.
   *
   * @throws HawserError `store_unavailable`, `store_full` or `store_corrupt` when it could not be
   *   written
   */
  readmit(peer: string): Promise<boolean>;

  /** Peers that have a mailbox here. */
  peers(query: PeerQuery): Promise<readonly PeerView[]>;
  /** Undefined when nothing was ever appended or opened for it. */
  stats(peer: string): Promise<PeerView | undefined>;
  totals(): Promise<StoreTotals>;
  /** The processes that share the store, this one included. */
  members(): Promise<readonly Member[]>;
  /** Calls `on` when the row of a peer changes. @returns what ends it */
  watch(on: StoreWatcher): () => void;
  /** The present status, and each change until `signal` aborts. A closed store is `unreachable`. */
  status(options?: { readonly signal?: AbortSignal }): AsyncIterable<StoreStatus>;

  /** Oldest first, versions above `after`. */
  deadLetters(
    peer: string,
    page: { readonly after?: number; readonly limit: number },
  ): Promise<readonly DeadLetter[]>;
  /**
   * Appends a dead letter again (new version, same `id`) and removes it, in one commit. An expired
   * one loses its `expirytime`. Never rejects. Refused as `conflict`: with the error `not_found`
   * when there is none, with `conflict` when it would undo a newer state of its resource or
   * subject.
   */
  requeue(peer: string, version: number): Promise<Appended>;
  /**
   * Deletes a dead letter and frees its room. Durable once resolved. False when there is none. The
   * retained state stays what the peer should have and is marked (`RetainedState.refusal`). A
   * refused delete leaves retained state, as if it had been acknowledged.
   *
   * @throws HawserError `store_unavailable`, `store_full` or `store_corrupt` when it could not be
   *   written
   */
  discard(peer: string, version: number): Promise<boolean>;
  /**
   * Deletes pending events and frees their room: all that were accepted before this call, of the
   * peer or of one of its resources. Later events and dead letters stay. Durable once resolved. It
   * takes as many commits as it needs, oldest events first. A purge that failed or crashed has
   * purged some, and the rest is pending as before: call it again.
   *
   * The holder of the mailbox is notified by `purged`. As with `discard`, retained state is marked,
   * and a delete leaves it. Idempotency keys count as those of acknowledged events.
   *
   * @throws HawserError `store_unavailable` (also while the peer is being removed), `store_full` or
   *   `store_corrupt` when it could not be written; the message says how many went before
   */
  purge(peer: string, options?: PurgeOptions): Promise<Purged>;
}

/**
 * Appends one event.
 *
 * @throws HawserError `internal` from a store without an answer, which breaks its contract
 */
export async function appendOne(store: Pick<Store, "append">, append: Append): Promise<Appended> {
  const [answer] = await store.append([append]);
  if (answer === undefined) throw new HawserError("internal", "the store gave no answer to an append");
  return answer;
}
