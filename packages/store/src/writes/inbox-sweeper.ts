import type { Transaction } from "../commit/transaction.js";
import { parseInboxKey, peerRange } from "../layout/keys.js";
import { decodeApplied, decodeBegun } from "../layout/rows.js";

/** Rows looked at in one commit, so that a sweep of a large inbox never holds others up. */
const SWEEP_PAGE = 1_000;
/**
 * A sweep is due once this many rows were written, and as many as the last one left: each row is
 * looked at a constant number of times.
 */
const MIN_WRITTEN = 1_024;

/** `settled`: a version up to which all is. `joined`: the last session the peer has begun. */
export type Learned = "settled" | "joined";

interface Progress {
  /** Not written yet; 0 for nothing. */
  settled: number;
  joined: number;
  /** Rows written since the last sweep began. */
  written: number;
  /** Rows the last sweep left. */
  left: number;
  /** Where the running sweep continues; undefined when none runs. */
  sweep: { readonly after: string | undefined } | undefined;
}

/**
 * Removes the inbox rows of settled versions, and writes which sessions peers began. Lazy: losing
 * it costs memory. It remembers peers with rows to look at or something to write: no more than have
 * an inbox (`maxPeers`).
 */
export class InboxSweeper {
  readonly #maxPeers: number;
  readonly #progress = new Map<string, Progress>();
  /** Peers with something to write. */
  readonly #due = new Set<string>();
  readonly #onDue: () => void;

  constructor(maxPeers: number, onDue: () => void) {
    this.#maxPeers = maxPeers;
    this.#onDue = onDue;
  }

  get empty(): boolean {
    return this.#due.size === 0;
  }

  /** Peers that are remembered. */
  get size(): number {
    return this.#progress.size;
  }

  learned(peer: string, what: Learned, number: number): void {
    if (number <= (this.#progress.get(peer)?.[what] ?? 0)) return;
    this.#of(peer)[what] = number;
    this.#due.add(peer);
    this.#onDue();
  }

  /** So many rows were written for `peer`. */
  wrote(peer: string, rows: number): void {
    if (rows > 0) this.#of(peer).written += rows;
  }

  /** The peer lost its store: what it said before no longer counts. */
  reset(peer: string): void {
    this.#progress.delete(peer);
    this.#due.delete(peer);
  }

  /** As `reset`, for every peer. */
  resetAll(): void {
    this.#progress.clear();
    this.#due.clear();
  }

  async apply(tx: Transaction): Promise<void> {
    for (const peer of this.#due) {
      // Of a removed peer this would be evidence against the next peer of that name.
      const isKnown = tx.mailboxOf(peer) !== undefined || tx.inbox(peer) !== undefined;
      const meta = isKnown ? tx.inboxOrNew(peer, this.#maxPeers) : undefined;
      if (meta === undefined) {
        this.reset(peer);
        continue;
      }
      const progress = this.#of(peer);
      const [settled, joined] = [
        Math.max(progress.settled, meta.settled),
        Math.max(progress.joined, meta.joined),
      ];
      if (settled > meta.settled || joined > meta.joined) tx.setInbox(peer, { ...meta, settled, joined });
      await this.#sweep(tx, peer, progress, settled);
      tx.afterCommit(() => {
        const isWritten = progress.settled <= settled && progress.joined <= joined;
        if (progress.sweep !== undefined || !isWritten) return;
        this.#due.delete(peer);
        // Everything is on disk, so there is nothing to remember unless there are rows to look at.
        if (progress.written === 0 && progress.left === 0 && this.#progress.get(peer) === progress)
          this.#progress.delete(peer);
      });
    }
  }

  /** One page of a sweep, if one is due. */
  async #sweep(tx: Transaction, peer: string, progress: Progress, settled: number): Promise<void> {
    if (progress.sweep === undefined) {
      if (progress.written < Math.max(MIN_WRITTEN, progress.left)) return;
      Object.assign(progress, { sweep: { after: undefined }, written: 0, left: 0 });
    }
    const rows = await tx.range(peerRange("inbox", peer, SWEEP_PAGE, progress.sweep?.after));
    for (const [key, value] of rows) {
      const isApplied = parseInboxKey(key).applied;
      const version = isApplied ? decodeApplied(value, key) : decodeBegun(value, key).version;
      if (version <= settled) tx.remove(key);
      else progress.left++;
    }
    const last = rows.at(-1);
    progress.sweep = rows.length < SWEEP_PAGE || last === undefined ? undefined : { after: last[0] };
  }

  #of(peer: string): Progress {
    let progress = this.#progress.get(peer);
    if (progress === undefined) {
      progress = { settled: 0, joined: 0, written: 0, left: 0, sweep: undefined };
      this.#progress.set(peer, progress);
    }
    return progress;
  }
}
