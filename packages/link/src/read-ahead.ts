import { DEFAULT_WINDOW_BYTES } from "@hawser/protocol";

/** What all sessions of one process hold of their mailboxes when nothing else is said: 32 that take all they may. */
export const DEFAULT_READ_AHEAD_BYTES = 268_435_456;

/** A session takes at most this share of what is left, so that something is left for the next one. */
const SHARE_OF_REST = 1 / 4;

/** Where all that a session holds stands still, it may hold so many times as much, to get past it. */
const STARVED_FACTOR = 2;

/**
 * How many bytes of events the sessions of one process hold in memory, those in flight included.
 *
 * The sum stays within `totalBytes`, but for one event of each session: that one is always read, so that no
 * session waits for another. The more is held, the less a further session may read at once; the rest of its
 * mailbox stays on disk until the peer has answered for what it has.
 */
export class ReadAhead {
  /** What one session holds at most. */
  readonly sessionBytes: number;
  readonly #totalBytes: number;
  #heldBytes = 0;

  constructor({ totalBytes = DEFAULT_READ_AHEAD_BYTES, sessionBytes = DEFAULT_WINDOW_BYTES } = {}) {
    this.#totalBytes = totalBytes;
    this.sessionBytes = sessionBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * How many bytes a session that holds `ownBytes` may read now; 0 for none.
   *
   * @param isStarved all that it holds stands still
   */
  allowance(ownBytes: number, isStarved: boolean): number {
    const most = isStarved ? this.sessionBytes * STARVED_FACTOR : this.sessionBytes;
    const share = Math.floor((this.#totalBytes - this.#heldBytes) * SHARE_OF_REST);
    return Math.max(0, Math.min(most - ownBytes, share));
  }

  /** A session holds so many bytes more, or fewer. */
  changed(byBytes: number): void {
    this.#heldBytes += byBytes;
  }
}
