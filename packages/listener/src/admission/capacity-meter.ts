/** One reading covers at least this long. In milliseconds. */
const READING_MS = 1_000;
/** Weight of a new reading. */
const SMOOTHING = 0.3;

/**
 * Measures handshakes finished a second while all places are taken: the capacity of a principal that
 * is slower than its settings allow.
 *
 * A second with a free place measures the demand, not the capacity, and is no reading. After two
 * seconds without a reading the last one is obsolete.
 */
export class CapacityMeter {
  #perSecond: number | undefined;
  #startedAtMs: number | undefined;
  #finished = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** A handshake is over; `saturated`: every place was taken, and a client waits. */
  finished(nowMs: number, saturated: boolean): void {
    if (!saturated) {
      this.#startedAtMs = undefined;
      return;
    }
    if (this.#startedAtMs === undefined) {
      this.#startedAtMs = nowMs;
      this.#finished = 0;
      return;
    }
    this.#finished += 1;
    const elapsedMs = nowMs - this.#startedAtMs;
    if (elapsedMs >= READING_MS) this.#read((this.#finished / elapsedMs) * 1000, nowMs);
  }

  /** Undefined while handshakes are not what limits. */
  perSecond(nowMs: number): number | undefined {
    return nowMs - this.#readAtMs <= 2 * READING_MS ? this.#perSecond : undefined;
  }

  #read(perSecond: number, nowMs: number): void {
    const before = this.perSecond(nowMs);
    this.#perSecond = before === undefined ? perSecond : before + SMOOTHING * (perSecond - before);
    this.#readAtMs = nowMs;
    this.#startedAtMs = nowMs;
    this.#finished = 0;
  }
}
