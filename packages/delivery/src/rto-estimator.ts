import { fullJitter, type Random } from "@hawser/runtime";
import type { ResendTiming } from "./resend-timing.js";

/** The resend timeout as metrics read it. All in milliseconds. */
export interface RtoReading {
  /** How long the first send of an event waits for its ACK, at least. */
  readonly valueMs: number;
  /** Smoothed ACK time; undefined before the first ACK. */
  readonly srttMs: number | undefined;
  /** Its mean deviation. */
  readonly rttvarMs: number | undefined;
}

/** Gains and deviations of RFC 6298, section 2. */
const ALPHA = 1 / 8;
const BETA = 1 / 4;
const DEVIATIONS = 4;
/** Times are not trusted below this (G of RFC 6298). */
const GRANULARITY_MS = 1;

/**
 * The resend timeout, learned from the time ACKs take (RFC 6298). That time includes the handler,
 * so a slow handler is not mistaken for a loss.
 *
 * By Karn's rule an event that was sent twice is not measured. So that ACK times which grow beyond
 * the timeout are learned all the same, a timeout doubles the value until an event is acknowledged
 * after one send.
 */
export class RtoEstimator implements RtoReading {
  readonly #timing: ResendTiming;
  #srttMs: number | undefined;
  #rttvarMs: number | undefined;
  /** What the measurements say, within the bounds. */
  #estimateMs: number;
  /** How often the estimate has proven too short since the last measurement. */
  #doublings = 0;
  #valueMs: number;

  constructor(timing: ResendTiming) {
    this.#timing = timing;
    this.#estimateMs = timing.initialTimeoutMs;
    this.#valueMs = timing.initialTimeoutMs;
  }

  get valueMs(): number {
    return this.#valueMs;
  }

  get srttMs(): number | undefined {
    return this.#srttMs;
  }

  get rttvarMs(): number | undefined {
    return this.#rttvarMs;
  }

  /** An event was acknowledged `rttMs` after it had been sent, once. */
  sample(rttMs: number): void {
    if (this.#srttMs === undefined || this.#rttvarMs === undefined) {
      this.#srttMs = rttMs;
      this.#rttvarMs = rttMs / 2;
    } else {
      this.#rttvarMs += BETA * (Math.abs(this.#srttMs - rttMs) - this.#rttvarMs);
      this.#srttMs += ALPHA * (rttMs - this.#srttMs);
    }
    const { minTimeoutMs, maxTimeoutMs } = this.#timing;
    const estimateMs = this.#srttMs + Math.max(GRANULARITY_MS, DEVIATIONS * this.#rttvarMs);
    this.#estimateMs = Math.min(maxTimeoutMs, Math.max(minTimeoutMs, estimateMs));
    this.#doublings = 0;
    this.#valueMs = this.#estimateMs;
  }

  /**
   * An event sent at the value `usedMs` got no answer in time. Only the present value counts: of a
   * full window that times out together, the first event doubles it.
   */
  timedOut(usedMs: number): void {
    if (usedMs < this.#valueMs || this.#valueMs >= this.#timing.maxTimeoutMs) return;
    this.#doublings += 1;
    this.#valueMs = Math.min(this.#timing.maxTimeoutMs, this.#estimateMs * 2 ** this.#doublings);
  }

  /**
   * How long to wait for the ACK after the n-th send without an answer: never less than the value,
   * exponential with full jitter above it, capped.
   *
   * @param sends 1 after the first
   */
  delayMs(random: Random, sends: number): number {
    const backoff = {
      floorMs: this.#valueMs,
      baseMs: this.#estimateMs,
      factor: 2,
      capMs: this.#timing.maxTimeoutMs,
    };
    return fullJitter(random, backoff, Math.max(sends, this.#doublings + 1));
  }
}
