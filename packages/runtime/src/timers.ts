/** A timer that has been set. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** The only way to wait. Callbacks must not throw: an exception ends the process. */
export interface Timers {
  /** Runs `callback` once after `delayMs`, clamped to 0 to 2^31-1 ms. */
  after(delayMs: number, callback: () => void): Timer;
  /**
   * Runs `callback` once after the I/O events that are ready now, to write a tick's output at once.
   */
  soon(callback: () => void): Timer;
}

/** Longest delay of a Node.js timer; a longer one would fire at once. */
export const MAX_TIMER_DELAY_MS = 2_147_483_647;

/** Timers of this process. A pending timer keeps the process alive. */
export const systemTimers: Timers = {
  after(delayMs, callback) {
    const delay = Math.min(Math.max(0, delayMs), MAX_TIMER_DELAY_MS);
    const handle = setTimeout(callback, delay);
    return { cancel: () => clearTimeout(handle) };
  },
  soon(callback) {
    const handle = setImmediate(callback);
    return { cancel: () => clearImmediate(handle) };
  },
};
