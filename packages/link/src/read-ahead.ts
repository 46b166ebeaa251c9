import { DEFAULT_WINDOW_BYTES } from "@hawser/protocol";

/** Default for all sessions of one process: 32 sessions that hold the most they may. */
export const DEFAULT_READ_AHEAD_BYTES = 268_435_456;

/** Bytes a session may hold in any case, but at most this share of the total. */
export const MIN_SESSION_BYTES = 65_536;
const MIN_SESSION_SHARE = 1 / 4_096;
/** Less room than this share of that is not worth a read. */
const MIN_READ_SHARE = 1 / 4;

// A session takes at most this share of what is left, so that something is left for the next one.
const SHARE_OF_REST = 1 / 4;

// Where all that a session holds stands still, it may hold so many times as much, to get past it.
const STARVED_FACTOR = 2;

/**
 * How many bytes of events the sessions of one process hold in memory, those in flight included.
 *
 * The sum stays within `totalBytes`, but for `leastBytes` (twice that where all of it stands still)
 * or one event of each session: so much is always read, so that no session waits for another. The
 * more is held, the less a further session may read at once; the rest of its mailbox stays on disk
 * until the peer has answered for what it has.
 */
export class ReadAhead {
  /** What one session holds at most. */
  readonly sessionBytes: number;
  /** What one session may hold in any case. */
  readonly leastBytes: number;
  /** What a read is worth. */
  readonly minReadBytes: number;
  readonly #totalBytes: number;
  #heldBytes = 0;

  /**
   * @param sessionBytes counts as `leastBytes` where it is less: a small window is no reason to
   *   read one event at a time
   */
  constructor({ totalBytes = DEFAULT_READ_AHEAD_BYTES, sessionBytes = DEFAULT_WINDOW_BYTES } = {}) {
    this.#totalBytes = totalBytes;
    this.leastBytes = Math.max(1, Math.min(MIN_SESSION_BYTES, Math.floor(totalBytes * MIN_SESSION_SHARE)));
    this.minReadBytes = Math.ceil(this.leastBytes * MIN_READ_SHARE);
    this.sessionBytes = Math.max(this.leastBytes, sessionBytes);
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
    const factor = isStarved ? STARVED_FACTOR : 1;
    const share = Math.floor((this.#totalBytes - this.#heldBytes) * SHARE_OF_REST);
    const most = Math.min(this.sessionBytes * factor, ownBytes + share);
    return Math.max(0, most - ownBytes, this.leastBytes * factor - ownBytes);
  }

  /** A session holds so many bytes more, or fewer. */
  changed(byBytes: number): void {
    this.#heldBytes += byBytes;
  }
}
