/** A rate in tokens per second, linear between two reads, so that it can ramp. */
export type RateAt = (nowMs: number) => number;

/** Rounding error of a token: waiting for it would be a wait of no time, repeatedly. */
const ROUNDING = 1e-9;

/**
 * A token bucket: at most `burst` at once, and the rate on average; no second takes more than the
 * rate plus `burst`. It starts full. A process that was stalled gains no more than `burst`.
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

  /** When the next token is due if none is taken before; a rising rate makes it earlier. */
  nextAtMs(nowMs: number): number {
    this.#refill(nowMs);
    if (this.#tokens >= 1 - ROUNDING) return nowMs;
    return nowMs + ((1 - this.#tokens) / this.#rateAt(nowMs)) * 1000;
  }

  /** Changes the capacity; tokens above it are lost. */
  setBurst(burst: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#burst = burst;
    this.#tokens = Math.min(this.#tokens, burst);
  }

  /** Empties the bucket, for an opening that must not begin with a burst. */
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
