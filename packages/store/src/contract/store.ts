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
   * Answers `pending` and removes nothing when an event is pending. The commit that removes judges that, so no event that was accepted before is lost unseen.
   *
   * @default false
   */
  readonly ifNothingPending?: boolean;
  /**
   * It is remembered that the peer was removed, and when: `append` and `open` of it are refused with `agent_removed` until `readmit`. Written with the first commit of the removal, so that no crash
   * separates the two; also where there is nothing of the peer to remove.
   *
   * @default nothing is remembered, and the peer begins anew when it comes again
   */
  readonly tombstone?: {
    /** Unix milliseconds. */
    readonly at: number;
  };
}

/** `removed`: nothing of the peer is left. `none`: there was nothing. `pending`: events are pending, and all of it is still there. */
export type Removal = "removed" | "none" | "pending";

/** Which pending events are purged. */
export interface PurgeOptions {
  /**
   * `<kind>/<name>` of a resource: events with this subject, and any others with the `resourceid` of one of its states, such as commands. Those states are the retained ones and the pending ones.
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
   * Of those: sent by the present holder of the mailbox and not answered, so that the peer may have applied them, or may yet. Where another client of the store holds it, this is what that can have
   * sent at most, as it hears of the purge only later.
   */
  readonly inFlight: number;
  /** Events of the peer that are pending now, those that came since included. */
  readonly left: number;
}

/** One part of a program that uses a store (`Store.use`). */
export interface StoreUse {
  /**
   * This part needs the store no more. The last one to say so, of a store that nobody started, stops it, and this resolves when it is stopped. Idempotent; after a `stop` of the
   * store it does nothing.
   */
  release(): Promise<void>;
}

/**
 * Everything one side keeps: a mailbox, an inbox and retained state per peer.
 *
 * Claim, pending and watch of a mailbox are one operation (`open`), because their order is what makes delivery correct.
 *
 * Agents, principals, event logs and sinks `use` the store they are given, so nobody has to start one. It is open while somebody uses it, and from `start` to `stop`: whoever calls
 * `start` keeps it open beyond its uses and ends it by `stop`, which closes it for everybody. Both may be called at any time, in any order.
 */
export interface Store extends DisposableLifecycle {
  /**
   * Random name of this store's contents, made with them; a new one tells peers that everything before it is gone. Known after `start`. It may change while the store runs, when a copy that was rolled back is
   * adopted: read it at each hello.
   */
  readonly id: string;
  readonly retained: RetainedStates;

  /** Opens it until `stop`, whoever uses it meanwhile. Does nothing where that is so already. @throws HawserError `store_unavailable`, `store_full`, `store_corrupt` */
  start(): Promise<void>;
  /** Writes what it has, and closes it for all, those who use it included. */
  stop(): Promise<void>;
  /**
   * Opens it until the answer is released, or longer where others use it or it was started. For a part of a program that does not know who else needs the store.
   *
   * @throws HawserError `store_unavailable`, `store_full`, `store_corrupt`; `aborted` when it was stopped meanwhile
   */
  use(): Promise<StoreUse>;

  /** Accepts events: `ok` means on disk. Concurrent calls share commits. Never rejects: each item has its own answer. */
  append(batch: readonly Append[]): Promise<readonly Appended[]>;

  /**
   * Claims the mailbox of `peer`: raises the epoch durably, tells the previous holder `superseded`, and from then on
   * tells `on` of each entry committed. What was committed before is there to `read`; what the holder needs to begin with comes with the lease.
   *
   * @throws what `claim` throws; HawserError `store_unavailable`, `agent_removed` where the peer has a tombstone, `store_full` where the disk is full or `maxPeers` is reached, or `superseded` where
   *   somebody else has claimed it meanwhile
   */
  open(peer: string, holder: Holder, claim: Claim, on: LeaseCallbacks): Promise<MailboxLease>;

  /**
   * What this store and the one of `peer` know of each other, as committed: for a hello to the peer. Undefined before its mailbox was opened, and after the store was adopted until it is
   * again. Whoever claims is told in the claim.
   */
  standing(peer: string): Promise<Standing | undefined>;

  /**
   * Removes everything about a peer: mailbox, dead letters, retained state, inbox. Whoever holds the mailbox hears `superseded`. Durable once
   * resolved. It takes as many commits as it needs, and while it does, `append`, `requeue`, `open`, `begin` and `record` of this peer are refused with
   * `store_unavailable`. A removal that has begun is finished: after a failure as soon as the disk can be written, after a crash by the next start.
   *
   * A mailbox in which nothing was ever kept is removed by itself some time after its holder has given it up, or after the store has started.
   *
   * @throws HawserError `store_unavailable`, `store_full` or `store_corrupt` when it could not be written
   */
  remove(peer: string, options?: RemoveOptions): Promise<Removal>;

  /** That this peer was removed with a tombstone, and was not readmitted since. As committed. Of more than `maxTombstones`, those removed longest ago are forgotten first. */
  tombstone(peer: string): Promise<Tombstone | undefined>;
  /** In code unit order of peers. */
  tombstones(page: Page): Promise<readonly Tombstone[]>;
  /**
   * Lets a peer come again that was removed: it begins anew, as if it had never been here. Durable once resolved. False where it has no tombstone.
   *
   * @throws HawserError `store_unavailable`, `store_full` or `store_corrupt` when it could not be written
   */
  readmit(peer: string): Promise<boolean>;

  /** Peers that have a mailbox here. */
  peers(query: PeerQuery): Promise<readonly PeerView[]>;
  /** Undefined when nothing was ever appended or opened for it. */
  stats(peer: string): Promise<PeerView | undefined>;
  totals(): Promise<StoreTotals>;
  /** The processes that share the store, this one included; of a store that one process has to itself, that one alone. */
  members(): Promise<readonly Member[]>;
  /** Tells `on` whose rows change from now on. @returns what ends it */
  watch(on: StoreWatcher): () => void;
  /** Whether the store can be used: what it is now, and then each change. Ends when the signal is aborted. A store that is closed is `unreachable`. */
  status(options?: { readonly signal?: AbortSignal }): AsyncIterable<StoreStatus>;

  /** Oldest first, versions above `after`. */
  deadLetters(
    peer: string,
    page: { readonly after?: number; readonly limit: number },
  ): Promise<readonly DeadLetter[]>;
  /**
   * Appends a dead letter anew (new version, same `id`) and removes it, in one commit; one that had expired loses its `expirytime`. Never rejects. Refused as `conflict` with the error `not_found` when
   * there is none, and with `conflict` when a newer state of its resource or subject was accepted: sending it again would take that back.
   */
  requeue(peer: string, version: number): Promise<Appended>;
  /**
   * Throws a dead letter away and gives its room back; durable once resolved. False when there is none. The retained state stays what the peer ought to have
   * and is marked (`RetainedState.refusal`); a refused delete is given up, and leaves retained state as if it had been acknowledged.
   *
   * @throws HawserError `store_unavailable`, `store_full` or `store_corrupt` when it could not be written
   */
  discard(peer: string, version: number): Promise<boolean>;
  /**
   * Throws pending events away and gives their room back: all that were accepted before this call, of the peer or of one of its resources. Dead letters stay, and so does what was acknowledged. Durable once
   * resolved. It takes as many commits as it needs, oldest events first; what is appended meanwhile is left alone. Each commit leaves all in order, so a purge that failed, or that a crash
   * ended, has purged some, and the rest is pending as before: ask again.
   *
   * The holder of the mailbox hears `purged`. As with `discard`, retained state stays what the peer ought to have and is marked (`RetainedState.refusal`), while a delete is given up, and leaves retained
   * state as if it had been acknowledged. Idempotency keys are remembered as those of acknowledged events.
   *
   * @throws HawserError `store_unavailable` (also while the peer is being removed), `store_full` or `store_corrupt` when it could not be written; the message says how many went before
   */
  purge(peer: string, options?: PurgeOptions): Promise<Purged>;
}

/**
 * Appends one event, and answers what became of it.
 *
 * @throws HawserError `internal` from a store that breaks its contract: it has an answer for each item
 */
export async function appendOne(store: Pick<Store, "append">, append: Append): Promise<Appended> {
  const [answer] = await store.append([append]);
  if (answer === undefined) throw new HawserError("internal", "the store gave no answer to an append");
  return answer;
}
