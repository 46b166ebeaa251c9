import { MAX_COMMIT_ITEMS } from "../commit/committer.js";
import { peerRange } from "../layout/keys.js";
import type { PeerTable } from "../commit/peer-table.js";
import type { WriteContext } from "./context.js";
import type { Transaction } from "../commit/transaction.js";

/** Mailboxes that go with one commit, so that a fleet of them holds nobody up: a millisecond. */
const MAILBOXES_PER_COMMIT = 256;

/**
 * Removes mailboxes in which nothing was ever kept, so that a name that came and left takes no
 * room. Lazy, some with each commit: losing it costs room until the next start.
 */
export class UnusedMailboxes {
  readonly #context: WriteContext;
  readonly #peers: PeerTable;
  readonly #onAdded: () => void;
  /** To be looked at: in use or not is judged by the commit. */
  readonly #candidates = new Set<string>();
  /** How many apply events of a peer, where somebody does. */
  readonly #uses = new Map<string, number>();

  /** @param onAdded called for each addition */
  constructor(context: WriteContext, peers: PeerTable, onAdded: () => void) {
    this.#context = context;
    this.#peers = peers;
    this.#onAdded = onAdded;
  }

  get empty(): boolean {
    return this.#candidates.size === 0;
  }

  /** Nobody holds the mailbox any more. */
  add(peer: string): void {
    const meta = this.#peers.mailboxes.get(peer);
    if (meta === undefined || meta.lastVersion !== meta.base) return;
    this.#candidates.add(peer);
    this.#onAdded();
  }

  /** Nobody holds any mailbox yet. */
  addAll(): void {
    for (const peer of this.#peers.mailboxes.keys()) this.add(peer);
  }

  /** Events of the peer are being applied, until the answer is released. */
  use(peer: string): { release(): void } {
    this.#uses.set(peer, (this.#uses.get(peer) ?? 0) + 1);
    let isUsed = true;
    return {
      release: () => {
        if (isUsed) this.#release(peer);
        isUsed = false;
      },
    };
  }

  #release(peer: string): void {
    const others = (this.#uses.get(peer) ?? 1) - 1;
    if (others > 0) {
      this.#uses.set(peer, others);
      return;
    }
    this.#uses.delete(peer);
    this.add(peer);
  }

  /** Somebody is about to hold it. */
  keep(peer: string): void {
    this.#candidates.delete(peer);
  }

  async apply(tx: Transaction): Promise<void> {
    let room = this.#isShortOfPeers() ? MAX_COMMIT_ITEMS : MAILBOXES_PER_COMMIT;
    for (const peer of this.#candidates) {
      if (room-- === 0) return;
      const judging = this.#isUnused(tx, peer);
      const isUnused = typeof judging === "boolean" ? judging : await judging;
      if (isUnused) tx.drop(peer);
      tx.afterCommit(() => this.#done(peer, isUnused));
    }
  }

  // Near the limit of peers, a new peer of this commit finds room.
  #isShortOfPeers(): boolean {
    const { mailboxes, inboxes } = this.#peers;
    return Math.max(mailboxes.size, inboxes.size) + MAX_COMMIT_ITEMS > this.#context.limits.maxPeers;
  }

  #isUnused(tx: Transaction, peer: string): boolean | Promise<boolean> {
    const meta = tx.mailboxOf(peer)?.counters;
    const isHeld = this.#context.leases.isHeld(peer) || this.#uses.has(peer);
    if (meta === undefined || isHeld || meta.removing || meta.lastVersion !== meta.base) return false;
    const inbox = tx.inbox(peer);
    // A floor, or a session that began, is repeated by a peer that comes back.
    if (inbox === undefined) return true;
    if (inbox.highest > 0) return false;
    // Of an earlier store of the peer only its states are left.
    return inbox.incarnation === 0 || this.#hasNoStates(tx, peer);
  }

  async #hasNoStates(tx: Transaction, peer: string): Promise<boolean> {
    const rows = await tx.range({ ...peerRange("received", peer, 1), keysOnly: true });
    return rows.length === 0;
  }

  #done(peer: string, isGone: boolean): void {
    this.#candidates.delete(peer);
    if (!isGone) return;
    this.#context.acknowledgements.forget(peer);
    this.#context.sweeper.reset(peer);
  }
}
