import type { HawserError } from "@hawser/protocol";
import type { Acknowledgements } from "./acknowledgements.js";
import type { CommitItem } from "./commit-item.js";
import type { MailboxMeta } from "./counters.js";
import { peerRange, type PeerRows } from "./keys.js";
import type { LeaseTable } from "./lease-table.js";
import type { SettledInboxes } from "./settled-inboxes.js";
import type { Removal } from "./store.js";
import type { Transaction } from "./transaction.js";

/** Rows of a peer that go with one commit, so that a long mailbox holds nobody else up. */
const ROWS_PER_COMMIT = 1_000;
/** As much of entries and dead letters as is read at once, to keep count of what is left. */
const LENGTH_PER_COMMIT = 2_097_152;

/**
 * The order in which rows go: an index before the entries it points to. A row of an index whose entry is gone would make the next state of its resource take
 * that entry out once more.
 */
const ROWS: readonly PeerRows[] = [
  "pendingState",
  "sent",
  "pending",
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
}

export interface RemoveTarget {
  readonly peer: string;
  /** The item leaves a mailbox alone in which an event is pending. */
  readonly ifNothingPending: boolean;
  /** The item goes on with a removal that has begun, and begins none: meanwhile there may be a new mailbox under the name. */
  readonly continues: boolean;
}

/** What became of a removal; `more`: rows are left, so the next step is due. */
export type RemoveStep = Removal | "more";

interface RowsToRemove {
  readonly keys: readonly string[];
  /** No others are left. */
  readonly isAll: boolean;
  /** The counters without them. */
  readonly counted: Readonly<MailboxMeta>;
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
    if (objection !== undefined) return tx.afterCommit(() => this.#done(objection));
    // Of a peer that never had a mailbox there may be an inbox; then the mark needs counters to be in.
    const meta = tx.mailboxOrNew(peer, Number.POSITIVE_INFINITY);
    if (meta === undefined) return tx.afterCommit(() => this.#done("none"));
    const { keys, isAll, counted } = await this.#page(tx, meta);
    for (const key of keys) tx.remove(key);
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

  /** Why nothing is removed; undefined when something is. */
  #objection(tx: Transaction): "none" | "pending" | undefined {
    const { peer, ifNothingPending, continues } = this.#target;
    const meta = tx.mailbox(peer);
    if (meta?.removing === true) return undefined;
    if (continues || (meta === undefined && tx.inbox(peer) === undefined)) return "none";
    return ifNothingPending && meta !== undefined && meta.pending > 0 ? "pending" : undefined;
  }

  async #page(tx: Transaction, meta: Readonly<MailboxMeta>): Promise<RowsToRemove> {
    const keys: string[] = [];
    let isAll = true;
    let { pending, deadLetters, bytes } = meta;
    for (const table of ROWS) {
      if (keys.length >= ROWS_PER_COMMIT)
        return { keys, isAll: false, counted: { ...meta, pending, deadLetters, bytes } };
      const isCounted = table === "pending" || table === "deadLetter";
      const page = await tx.page({
        ...peerRange(table, this.#target.peer, ROWS_PER_COMMIT - keys.length),
        ...(isCounted ? { maxLength: LENGTH_PER_COMMIT } : { keysOnly: true }),
      });
      isAll &&= page.isLast;
      for (const [key, value] of page.rows) {
        keys.push(key);
        if (!isCounted) continue;
        if (table === "pending") pending -= 1;
        else deadLetters -= 1;
        bytes -= Buffer.byteLength(table === "pending" ? value : value.slice(value.indexOf("\n") + 1));
      }
    }
    return { keys, isAll, counted: { ...meta, pending, deadLetters, bytes } };
  }
}
