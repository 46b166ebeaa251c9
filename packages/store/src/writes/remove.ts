import type { HawserError } from "@hawser/protocol";
import type { Acknowledgements } from "../mailbox/acknowledgements.js";
import type { CommitItem } from "../commit/write.js";
import type { MailboxMeta } from "../layout/counters.js";
import { peerRange, type PeerRows } from "../layout/keys.js";
import type { LeaseTable } from "../mailbox/lease-table.js";
import type { SettledInboxes } from "./inbox-sweeper.js";
import type { Removal } from "../contract/store.js";
import type { Transaction } from "../commit/transaction.js";

/** Rows of a peer that go with one commit, so that a long mailbox holds nobody else up. */
const ROWS_PER_COMMIT = 1_000;
/** As much of entries and dead letters as is read at once, to keep count of what is left. */
const LENGTH_PER_COMMIT = 2_097_152;

/** What goes before the entries: a row of an index whose entry is gone would make the next state of its resource take that entry out once more. */
const BEFORE_ENTRIES: readonly PeerRows[] = ["pendingState", "sent"];
const AFTER_ENTRIES: readonly PeerRows[] = [
  "deadLetter",
  "received",
  "inbox",
  "idempotencyKey",
  "idempotencyOrder",
];

export interface RemoveContext {
  readonly leases: LeaseTable;
  readonly acknowledgements: Acknowledgements;
  readonly settled: SettledInboxes;
  /** Peers of which it is remembered that they were removed. */
  readonly maxTombstones: number;
}

export interface RemoveTarget {
  readonly peer: string;
  /** The item leaves a mailbox alone in which an event is pending. */
  readonly ifNothingPending: boolean;
  /** When the peer is removed, Unix milliseconds, if that is to be remembered: from the first commit of the removal on. */
  readonly tombstone: number | undefined;
  /** The item goes on with a removal that has begun, and begins none: meanwhile there may be a new mailbox under the name. */
  readonly continues: boolean;
}

/** What became of a removal; `more`: rows are left, so the next step is due. */
export type RemoveStep = Removal | "more";

/** One commit's share of a removal, as it is made up. */
interface Share {
  /** Rows and entries that may still go with it. */
  room: number;
  /** Nothing else is left. */
  isAll: boolean;
  /** The counters of what is left. */
  counted: Readonly<MailboxMeta>;
}

/**
 * Everything about a peer goes: one page of it with each commit, and its counters with the last. From the first commit on the mailbox is marked: nothing is
 * accepted for it, nobody holds it, and whatever interrupts the removal, the mark says that it is to be finished.
 */
export class RemoveItem implements CommitItem {
  readonly sync = true;
  readonly #target: RemoveTarget;
  readonly #context: RemoveContext;
  readonly #done: (step: RemoveStep) => void;
  readonly #failed: (error: HawserError) => void;

  constructor(
    target: RemoveTarget,
    context: RemoveContext,
    done: (step: RemoveStep) => void,
    failed: (error: HawserError) => void,
  ) {
    this.#target = target;
    this.#context = context;
    this.#done = done;
    this.#failed = failed;
  }

  async apply(tx: Transaction): Promise<void> {
    const { peer } = this.#target;
    const objection = this.#objection(tx);
    // Of a peer of which there is nothing, too, as it may come again all the same.
    if (objection === "none") this.#bury(tx);
    if (objection !== undefined) return tx.afterCommit(() => this.#done(objection));
    // Of a peer that never had a mailbox there may be an inbox; then the mark needs counters to be in.
    const meta = tx.mailboxOrNew(peer, Number.POSITIVE_INFINITY);
    if (meta === undefined) return tx.afterCommit(() => this.#done("none"));
    const { isAll, counted } = await this.#removeShare(tx, meta);
    this.#bury(tx);
    if (isAll) tx.drop(peer);
    else tx.setMailbox(peer, { ...counted, removing: true });
    tx.afterCommit(() => {
      const { leases, acknowledgements, settled } = this.#context;
      acknowledgements.forget(peer);
      settled.reset(peer);
      leases.lose(peer);
      this.#done(isAll ? "removed" : "more");
    });
  }

  failed(error: HawserError): void {
    this.#failed(error);
  }

  #bury(tx: Transaction): void {
    const { peer, tombstone } = this.#target;
    if (tombstone !== undefined) tx.bury(peer, tombstone, this.#context.maxTombstones);
  }

  /** Why nothing is removed; undefined when something is. */
  #objection(tx: Transaction): "none" | "pending" | undefined {
    const { peer, ifNothingPending, continues } = this.#target;
    const meta = tx.mailbox(peer);
    if (meta?.removing === true) return undefined;
    if (continues || (meta === undefined && tx.inbox(peer) === undefined)) return "none";
    return ifNothingPending && meta !== undefined && meta.pending > 0 ? "pending" : undefined;
  }

  async #removeShare(tx: Transaction, meta: Readonly<MailboxMeta>): Promise<Share> {
    const share: Share = { room: ROWS_PER_COMMIT, isAll: true, counted: meta };
    for (const table of BEFORE_ENTRIES) await this.#removeRows(tx, table, share);
    await this.#removeEntries(tx, share);
    for (const table of AFTER_ENTRIES) await this.#removeRows(tx, table, share);
    return share;
  }

  async #removeEntries(tx: Transaction, share: Share): Promise<void> {
    if (share.room === 0) return this.#leave(share);
    const { peer } = this.#target;
    const page = await tx.entryPage({ peer, after: 0, limit: share.room, maxLength: LENGTH_PER_COMMIT });
    share.isAll &&= page.isLast;
    for (const { version, text } of page.entries) {
      tx.removeEntry(peer, version);
      this.#count(share, { pending: 1, deadLetters: 0, bytes: Buffer.byteLength(text) });
    }
  }

  async #removeRows(tx: Transaction, table: PeerRows, share: Share): Promise<void> {
    if (share.room === 0) return this.#leave(share);
    const isCounted = table === "deadLetter";
    const page = await tx.page({
      ...peerRange(table, this.#target.peer, share.room),
      ...(isCounted ? { maxLength: LENGTH_PER_COMMIT } : { keysOnly: true }),
    });
    share.isAll &&= page.isLast;
    for (const [key, value] of page.rows) {
      tx.remove(key);
      const bytes = Buffer.byteLength(value.slice(value.indexOf("\n") + 1));
      this.#count(share, { pending: 0, deadLetters: isCounted ? 1 : 0, bytes });
    }
  }

  /** For the next commit. */
  #leave(share: Share): void {
    share.isAll = false;
  }

  #count(share: Share, gone: Pick<MailboxMeta, "pending" | "deadLetters" | "bytes">): void {
    share.room = Math.max(0, share.room - 1);
    const { pending, deadLetters, bytes } = share.counted;
    share.counted = {
      ...share.counted,
      pending: pending - gone.pending,
      deadLetters: deadLetters - gone.deadLetters,
      bytes: bytes - gone.bytes,
    };
  }
}
