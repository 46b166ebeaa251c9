import { parseRetryAfter, type RetryAfter } from "@hawser/protocol";

/** What the headers of a refusal say of when to come back. */
export interface RefusalHeaders {
  /** The slot of this client alone, in milliseconds. */
  readonly slotMs: unknown;
  /** `Retry-After` of HTTP, in whole seconds or a date, so it cannot be one client's own. */
  readonly retryAfter: unknown;
}

/**
 * The time to come back that a refusal names; undefined where it names none.
 *
 * @param wallTimeMs now, Unix milliseconds
 */
export function retryAfterIn(
  { slotMs, retryAfter }: RefusalHeaders,
  wallTimeMs: number,
): RetryAfter | undefined {
  if (typeof slotMs === "string" && /^\d{1,9}$/.test(slotMs))
    return { retryAfterMs: Number(slotMs), slot: true };
  const retryAfterMs = typeof retryAfter === "string" ? parseRetryAfter(retryAfter, wallTimeMs) : undefined;
  return retryAfterMs === undefined ? undefined : { retryAfterMs, slot: false };
}

/** What an unknown server wrote, as one line that cannot forge others in a log. */
export function refusalText(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
}
