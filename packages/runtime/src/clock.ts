/** The source of time. Code that reads a clock takes one, so that it runs under virtual time. */
export interface Clock {
  /** Monotonic milliseconds, fractional, from an arbitrary origin, for durations and deadlines. */
  now(): number;
  /** Unix milliseconds for output (`time`, `expirytime`); may jump. */
  wallTime(): number;
}

/** The clock of this process: `performance.now()` and the system's wall clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
};
