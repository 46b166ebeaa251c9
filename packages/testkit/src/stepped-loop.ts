import type { Clock, Timer, Timers } from "@hawser/runtime";

interface Timed {
  readonly atMs: number;
  readonly callback: () => void;
}

/**
 * An event loop whose turns the test ends, for what is done a little of in each: `soon` calls back at the end of the turn, `after` at the end of the first one that ends late enough.
 * Time stands still but for what a turn is said to take, and what the test sets `nowMs` to.
 */
export class SteppedLoop implements Timers {
  /** Of both clocks, in milliseconds. */
  nowMs = 0;
  readonly timers: Timers = this;
  readonly clock: Clock = { now: () => this.nowMs, wallTime: () => this.nowMs };
  readonly #due = new Set<() => void>();
  readonly #timed = new Set<Timed>();

  soon(callback: () => void): Timer {
    const once = (): void => callback();
    this.#due.add(once);
    return { cancel: () => void this.#due.delete(once) };
  }

  after(delayMs: number, callback: () => void): Timer {
    const timed = { atMs: this.nowMs + delayMs, callback };
    this.#timed.add(timed);
    return { cancel: () => void this.#timed.delete(timed) };
  }

  /** @param tookMs how long the turn took @returns whether anything was due */
  endTurn(tookMs = 0): boolean {
    this.nowMs += tookMs;
    const timed = [...this.#timed].filter(({ atMs }) => atMs <= this.nowMs);
    for (const each of timed) this.#timed.delete(each);
    const due = [...timed.map(({ callback }) => callback), ...this.#due];
    this.#due.clear();
    for (const callback of due) callback();
    return due.length > 0;
  }
}
