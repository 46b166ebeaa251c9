import { HawserError } from "./errors.js";

/**
 * When a server that refuses a caller wants to see it again: the cause of the error that says so.
 */
export interface RetryAfter {
  /** From the refusal; zero or more. */
  readonly retryAfterMs: number;
  /**
   * The time is this caller's own, so it is to be kept exactly; otherwise others were told the
   * same.
   */
  readonly slot: boolean;
}

/** The error of a caller that was refused with a time to come back; `retryAfterOf` reads it. */
export function overloaded(message: string, { retryAfterMs, slot }: RetryAfter): HawserError {
  const cause: RetryAfter = { retryAfterMs: Math.max(0, retryAfterMs), slot };
  return new HawserError("overloaded", message, { cause });
}

/** The time to come back that an error names; undefined where it names none. */
export function retryAfterOf({ cause }: HawserError): RetryAfter | undefined {
  if (typeof cause !== "object" || cause === null || !("retryAfterMs" in cause)) return undefined;
  const { retryAfterMs } = cause;
  if (typeof retryAfterMs !== "number" || !(retryAfterMs >= 0)) return undefined;
  return { retryAfterMs, slot: "slot" in cause && cause.slot === true };
}

/**
 * The value of the HTTP header `Retry-After`, seconds or a date (RFC 9110, section 10.2.3), as
 * milliseconds from now; undefined when it is neither.
 *
 * @param wallTimeMs now, Unix milliseconds
 */
export function parseRetryAfter(value: string | undefined, wallTimeMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallTimeMs);
}
