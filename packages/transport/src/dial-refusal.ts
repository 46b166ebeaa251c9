import { HawserError } from "@hawser/protocol";

/** The cause of an `overloaded` dial: the server named a time to come back. */
export interface RetryAfter {
  /** From now; zero or more. */
  readonly retryAfterMs: number;
  /** The time is this caller's own, so it is to be kept exactly; otherwise others were told the same. */
  readonly slot: boolean;
}

/** The error of a dial the server refused with a time to come back. */
export function overloaded(message: string, { retryAfterMs, slot }: RetryAfter): HawserError {
  const cause: RetryAfter = { retryAfterMs: Math.max(0, retryAfterMs), slot };
  return new HawserError("overloaded", message, { cause });
}

/** When the server wants to see the caller again, in milliseconds from the refusal; undefined where it did not say. */
export function retryAfterMs(error: HawserError): number | undefined {
  const { cause } = error;
  if (typeof cause !== "object" || cause === null || !("retryAfterMs" in cause)) return undefined;
  return typeof cause.retryAfterMs === "number" ? cause.retryAfterMs : undefined;
}
