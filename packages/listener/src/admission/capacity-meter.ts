/** One reading covers at least this long. In milliseconds. */
const READING_MS = 1_000;
/** Weight of a new reading. */
const SMOOTHING = 0.3;

/**
 * How many handshakes a second are really finished while all places are taken, which is what the principal can take when it is slower than its settings allow.
 *
 * A second in which a place was free says how many came, not how many could have; it is no reading, and two seconds without one make the last reading obsolete.
 */
export class CapacityMeter {
  #perSecond: number | undefined;
  #startedAtMs: number | undefined;
  #finished = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** A handshake is over; `saturated` tells whether every place was taken and somebody waits. */
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
