import { parseInboxKey, peerRange } from "../layout/keys.js";
import { decodeApplied, decodeBegun } from "../layout/rows.js";
import type { Transaction } from "../commit/transaction.js";

/** Rows looked at in one commit, so that a sweep of a large inbox never holds others up. */
const SWEEP_PAGE = 1_000;
/** A sweep is worth it once this many rows were written, and as many as the last one left: so each row is looked at a constant number of times. */
const MIN_WRITTEN = 1_024;

interface Progress {
  /** Told by the peer and not recorded yet; 0 for none. */
  settled: number;
  /** Last session the peer is known to have begun, if that is not recorded yet; 0 for none. */
  joined: number;
  /** Rows written since the last sweep began. */
  written: number;
  /** Rows the last sweep left. */
  left: number;
  /** Where the running sweep goes on; undefined when none runs. */
  sweep: { readonly after: string | undefined } | undefined;
}

/**
 * Drops the inbox rows of versions that peers said are settled, and notes the sessions they began. Lazy: losing it costs memory, nothing else.
 *
 * Something is remembered of peers with rows that were not looked at since, and until it is written of whoever said something new: of no more peers than have an inbox
 * (`maxPeers`), and of nobody who only came and went.
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

  /** Peers of which something is remembered. */
  get size(): number {
    return this.#progress.size;
  }

  settle(peer: string, version: number): void {
    if (version <= (this.#progress.get(peer)?.settled ?? 0)) return;
    const progress = this.#of(peer);
    progress.settled = version;
    this.#due.add(peer);
    this.#onDue();
  }

  joined(peer: string, epoch: number): void {
    if (epoch <= (this.#progress.get(peer)?.joined ?? 0)) return;
    const progress = this.#of(peer);
    progress.joined = epoch;
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
      // Said by a session of a peer that was removed meanwhile: it would bring back what the next peer of that name is measured by.
      const isKnown = tx.mailboxOf(peer) !== undefined || tx.inbox(peer) !== undefined;
      const meta = isKnown ? tx.inboxOrNew(peer, this.#maxPeers) : undefined;
      if (meta === undefined) {
        this.reset(peer);
        continue;
      }
      const progress = this.#of(peer);
      const { settled, joined } = progress;
      if (settled > meta.settled || joined > meta.joined) {
        const told = { settled: Math.max(settled, meta.settled), joined: Math.max(joined, meta.joined) };
        tx.setInbox(peer, { ...meta, ...told });
      }
      await this.#sweep(tx, peer, progress, Math.max(settled, meta.settled));
      tx.afterCommit(() => {
        const written = progress.settled === settled && progress.joined === joined;
        if (progress.sweep !== undefined || !written) return;
        this.#due.delete(peer);
        // What was said is on disk, so there is nothing to remember unless there are rows to look at.
        if (progress.written === 0 && progress.left === 0 && this.#progress.get(peer) === progress)
          this.#progress.delete(peer);
      });
    }
  }

  /** One page of a sweep, if one is due. */
  async #sweep(tx: Transaction, peer: string, progress: Progress, settled: number): Promise<void> {
    if (progress.sweep === undefined) {
      if (progress.written < Math.max(MIN_WRITTEN, progress.left)) return;
      progress.sweep = { after: undefined };
      progress.written = 0;
      progress.left = 0;
    }
    const rows = await tx.range(peerRange("inbox", peer, SWEEP_PAGE, progress.sweep.after));
    for (const [key, value] of rows) {
      const version = parseInboxKey(key).applied
        ? decodeApplied(value, key)
        : decodeBegun(value, key).version;
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
