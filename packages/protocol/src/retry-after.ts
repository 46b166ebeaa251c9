import { HawserError } from "./errors.js";

/** When a refused caller may try again: the cause of its error. */
export interface RetryAfter {
  /** From the refusal; zero or more. */
  readonly retryAfterMs: number;
  /** True for a time of this caller alone, which it keeps exactly. */
  readonly slot: boolean;
}

/** The error of a caller refused with a retry time; `retryAfterOf` reads it. */
export function overloaded(message: string, { retryAfterMs, slot }: RetryAfter): HawserError {
  const cause: RetryAfter = { retryAfterMs: Math.max(0, retryAfterMs), slot };
  return new HawserError("overloaded", message, { cause });
}

/** The retry time of an error; undefined for none. */
export function retryAfterOf({ cause }: HawserError): RetryAfter | undefined {
  if (typeof cause !== "object" || cause === null || !("retryAfterMs" in cause)) return undefined;
  const { retryAfterMs } = cause;
  if (typeof retryAfterMs !== "number" || !(retryAfterMs >= 0)) return undefined;
  return { retryAfterMs, slot: "slot" in cause && cause.slot === true };
}

/**
 * The HTTP header `Retry-After`, seconds or a date (RFC 9110, section 10.2.3), as milliseconds from
 * now; undefined when invalid.
 * @param wallTimeMs now, Unix milliseconds
 */
export function parseRetryAfter(value: string | undefined, wallTimeMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallTimeMs);
}
