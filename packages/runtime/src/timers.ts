/** A timer that has been set. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** The only way to wait. Callbacks must not throw: an exception in one ends the process, as it should. */
export interface Timers {
  /** Runs `callback` once, `delayMs` from now (values below zero count as zero; above 2^31-1 ms are clamped to it). */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` once the I/O events that are ready now have been handled: the place to write what gathered in one tick. */
  soon(callback: () => void): Timer;
}

/** The longest delay a Node.js timer keeps; a longer one would fire at once. */
export const MAX_TIMER_DELAY_MS = 2_147_483_647;

/** Timers of this process. They keep the process alive until they fire or are cancelled. */
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
