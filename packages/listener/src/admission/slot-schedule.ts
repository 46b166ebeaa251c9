import type { Random } from "@hawser/runtime";

/** No slot is nearer: a client just refused must not meet the same queue. In milliseconds. */
const MIN_SLOT_MS = 250;

export interface SlotScheduleOptions {
  readonly random: Random;
  /** No slot is farther away. */
  readonly maxSlotMs: number;
}

/**
 * Gives each refused client a time of its own to come back, spaced by the capacity, behind all that
 * were refused before or wait.
 *
 * At `maxSlotMs` the schedule is full. Further clients are spread evenly over its later half, where
 * slots fall free because others do not return.
 */
export class SlotSchedule {
  readonly #random: Random;
  readonly #maxSlotMs: number;
  #lastAtMs = Number.NEGATIVE_INFINITY;

  constructor({ random, maxSlotMs }: SlotScheduleOptions) {
    this.#random = random;
    this.#maxSlotMs = maxSlotMs;
  }

  /**
   * @param perSecond capacity of the principal
   * @param ahead clients that wait already
   * @returns milliseconds from now
   */
  next(nowMs: number, perSecond: number, ahead: number): number {
    const spacingMs = 1000 / perSecond;
    const earliestMs = nowMs + Math.max(MIN_SLOT_MS, (ahead + 1) * spacingMs);
    const atMs = Math.max(this.#lastAtMs + spacingMs, earliestMs);
    const latestMs = nowMs + this.#maxSlotMs;
    if (atMs > latestMs) return this.#maxSlotMs * (0.5 + this.#random.next() / 2);
    this.#lastAtMs = atMs;
    return atMs - nowMs;
  }
}
