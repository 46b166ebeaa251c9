/** Weight of a new reading. */
const SMOOTHING = 0.1;
/** A handshake that takes this many times as long as others has stalled. */
const STALLED_TIMES = 4;
/** None has stalled before: two round trips of a slow link, and the work of a busy principal. In milliseconds. */
const LEAST_MS = 1_000;

/**
 * How long handshakes take that succeed, and so when one has stalled: then it waits for its client and costs nothing, and its place is for somebody else. It is
 * measured, because on a principal that is slow itself every handshake takes long, and none has stalled.
 */
export class HandshakePace {
  #typicalMs = 0;

  finished(tookMs: number): void {
    this.#typicalMs += SMOOTHING * (tookMs - this.#typicalMs);
  }

  get stalledAfterMs(): number {
    return Math.max(LEAST_MS, STALLED_TIMES * this.#typicalMs);
  }
}
