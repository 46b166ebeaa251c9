/** Where time comes from. Everything that reads a clock takes one of these, so that it can run under virtual time. */
export interface Clock {
  /** Monotonic milliseconds, fractional, from an arbitrary origin. For durations and deadlines. */
  now(): number;
  /** Unix time in milliseconds. For what people and other machines read (`time`, `expirytime`); may jump. */
  wallTime(): number;
}

/** The clock of this process: `performance.now()` and the system's wall clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
};
