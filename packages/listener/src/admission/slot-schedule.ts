import type { Random } from "@hawser/runtime";

/** Slots no earlier than this: a client that was just refused should not find the same second's queue. In milliseconds. */
const MIN_SLOT_MS = 250;

export interface SlotScheduleOptions {
  readonly random: Random;
  /** No slot is farther away. */
  readonly maxSlotMs: number;
}

/**
 * Gives each refused client a time of its own to come back: one after the other, as far apart as the capacity takes them, behind everybody who was refused or
 * is waiting before.
 *
 * At `maxSlotMs` the schedule is full; whoever comes then is spread evenly over its later half, where places may fall free because others do not return.
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
   * @param perSecond how many the principal can take
   * @param ahead clients that wait here already
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
