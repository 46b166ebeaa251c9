import type { HawserError } from "@hawser/protocol";
import type { Acknowledgements } from "./acknowledgements.js";
import type { CommitItem } from "./commit-item.js";
import type { MailboxMeta } from "./counters.js";
import type { KeyRange } from "./disk.js";
import { peerRange, type PeerRows } from "./keys.js";
import type { LeaseTable } from "./lease-table.js";
import type { Removal } from "./store.js";
import type { SettledInboxes } from "./settled-inboxes.js";
import type { Transaction } from "./transaction.js";

/** Rows of a peer that go with one commit, so that a long mailbox holds nobody else up. */
const ROWS_PER_COMMIT = 1_000;
/** As much of entries and dead letters as is read at once, to keep count of what is left. */
const LENGTH_PER_COMMIT = 2_097_152;

/** The tables whose rows count against the caps of a mailbox, and those that do not. */
const COUNTED = ["pending", "deadLetter"] as const;
const UNCOUNTED = [
  "pendingState",
  "sent",
  "received",
  "inbox",
  "idempotencyKey",
  "idempotencyOrder",
] as const;

export interface RemoveContext {
  readonly leases: LeaseTable;
  readonly acknowledgements: Acknowledgements;
  readonly settled: SettledInboxes;
}

/** What became of a removal; `more`: rows are left, so the next step is due. */
export type RemoveStep = Removal | "more";

export interface RemoveTarget {
  readonly peer: string;
  /** The item leaves a mailbox alone in which anything was ever kept, or which somebody holds. */
  readonly onlyUnused?: boolean;
  /** The item leaves a mailbox alone in which an event is pending. */
  readonly ifNothingPending?: boolean;
}

/**
 * Everything about a peer goes: one page of it with each commit, and its counters with the last. Interrupted in between, it is
 * a mailbox with fewer rows.
 */
export class RemoveItem implements CommitItem {
  readonly sync = true;
  readonly #peer: string;
  readonly #onlyUnused: boolean;
  readonly #ifNothingPending: boolean;
  readonly #context: RemoveContext;
  readonly #done: (step: RemoveStep) => void;
  readonly #failed: (error: HawserError) => void;

  constructor(
    target: RemoveTarget,
    context: RemoveContext,
    done: (step: RemoveStep) => void,
    failed: (error: HawserError) => void,
  ) {
    this.#peer = target.peer;
    this.#onlyUnused = target.onlyUnused ?? false;
    this.#ifNothingPending = target.ifNothingPending ?? false;
    this.#context = context;
    this.#done = done;
    this.#failed = failed;
  }

  async apply(tx: Transaction): Promise<void> {
    const peer = this.#peer;
    const meta = tx.mailbox(peer);
    if (meta === undefined && tx.inbox(peer) === undefined) return tx.afterCommit(() => this.#done("none"));
    if (this.#onlyUnused && (meta === undefined || this.#isUsed(tx, meta)))
      return tx.afterCommit(() => this.#done("none"));
    if (this.#ifNothingPending && meta !== undefined && meta.pending > 0)
      return tx.afterCommit(() => this.#done("pending"));
    const { rows, next } = await this.#page(tx, meta);
    for (const key of rows) tx.remove(key);
    const isLast =
      rows.length < ROWS_PER_COMMIT && (next === undefined || next.pending + next.deadLetters === 0);
    if (!isLast) {
      if (next !== undefined) tx.setMailbox(peer, next);
      return tx.afterCommit(() => this.#done("more"));
    }
    tx.drop(peer);
    tx.afterCommit(() => {
      const { leases, acknowledgements, settled } = this.#context;
      acknowledgements.forget(peer);
      settled.reset(peer);
      leases.lose(peer);
      this.#done("removed");
    });
  }

  failed(error: HawserError): void {
    this.#failed(error);
  }

  #isUsed(tx: Transaction, meta: Readonly<MailboxMeta>): boolean {
    const peer = this.#peer;
    const isHeld = this.#context.leases.get(peer) !== undefined || tx.claims(peer);
    // A floor alone, or a session that began, is said again by whoever comes back.
    const hasReceived = (tx.inbox(peer)?.highest ?? 0) > 0;
    return isHeld || hasReceived || meta.position !== meta.base;
  }

  async #page(
    tx: Transaction,
    meta: Readonly<MailboxMeta> | undefined,
  ): Promise<{ readonly rows: readonly string[]; readonly next: Readonly<MailboxMeta> | undefined }> {
    const rows: string[] = [];
    const room = (table: PeerRows): KeyRange => peerRange(table, this.#peer, ROWS_PER_COMMIT - rows.length);
    let next = meta;
    for (const table of COUNTED) {
      if (next === undefined || rows.length >= ROWS_PER_COMMIT) break;
      let { pending, deadLetters, bytes } = next;
      for (const [key, value] of await tx.range({ ...room(table), maxLength: LENGTH_PER_COMMIT })) {
        rows.push(key);
        if (table === "pending") pending -= 1;
        else deadLetters -= 1;
        bytes -= Buffer.byteLength(table === "pending" ? value : value.slice(value.indexOf("\n") + 1));
      }
      next = { ...next, pending, deadLetters, bytes };
    }
    for (const table of UNCOUNTED) {
      if (rows.length >= ROWS_PER_COMMIT) break;
      for (const [key] of await tx.range({ ...room(table), keysOnly: true })) rows.push(key);
    }
    return { rows, next };
  }
}
