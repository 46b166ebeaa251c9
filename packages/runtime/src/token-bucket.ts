/** A rate that may change over time, in tokens per second. Changes are linear between two reads: that is what a ramp is. */
export type RateAt = (nowMs: number) => number;

/** What is missing of a token by rounding alone: waiting for that little would be waiting for no time at all, again and again. */
const ROUNDING = 1e-9;

/**
 * A token bucket: at most `burst` at once, and on average what the rate says. In any second no more than the rate plus `burst` are taken.
 *
 * It starts full and is refilled by the time that has passed, so a process that was held up does not make up for more than `burst`.
 */
export class TokenBucket {
  readonly #rateAt: RateAt;
  #burst: number;
  #tokens: number;
  #readAtMs: number;

  constructor(rateAt: RateAt, burst: number, nowMs: number) {
    this.#rateAt = rateAt;
    this.#burst = burst;
    this.#tokens = burst;
    this.#readAtMs = nowMs;
  }

  /** Takes one token if there is one. */
  take(nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#tokens < 1 - ROUNDING) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return true;
  }

  /** When there will be a token, if nobody takes one before; under a rising rate there may be one earlier. */
  nextAtMs(nowMs: number): number {
    this.#refill(nowMs);
    if (this.#tokens >= 1 - ROUNDING) return nowMs;
    return nowMs + ((1 - this.#tokens) / this.#rateAt(nowMs)) * 1000;
  }

  /** Another capacity; tokens above it are gone. */
  setBurst(burst: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#burst = burst;
    this.#tokens = Math.min(this.#tokens, burst);
  }

  /** From here on only what is refilled counts: for an opening that must not begin with a burst. */
  empty(nowMs: number): void {
    this.#tokens = 0;
    this.#readAtMs = nowMs;
  }

  #refill(nowMs: number): void {
    const seconds = (nowMs - this.#readAtMs) / 1000;
    if (seconds <= 0) return;
    // The mean of both ends is exact for a rate that changes linearly.
    const rate = (this.#rateAt(this.#readAtMs) + this.#rateAt(nowMs)) / 2;
    this.#tokens = Math.min(this.#burst, this.#tokens + seconds * rate);
    this.#readAtMs = nowMs;
  }
}
