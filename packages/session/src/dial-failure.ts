import type { HawserError } from "@hawser/protocol";
import { isRefusal } from "./close-reasons.js";
import type { EndReason } from "./session-end.js";

/** There was no session: the transport's dialer threw this. */
export interface DialFailure {
  readonly kind: "dialFailed";
  readonly error: HawserError;
}

/**
 * The row of the reconnect table a failed dial belongs to. `overloaded` names its time to come back as `retryAfterMs`, a property of the
 * error's cause.
 */
export function endOfDial({ error }: DialFailure): EndReason {
  const retryAfterMs = retryAfterOf(error.cause);
  if (isRefusal(error.code)) return { kind: "refused", code: error.code, error, retryAfterMs };
  if (retryAfterMs !== undefined) return { kind: "retryAfter", ms: retryAfterMs, error };
  return { kind: "failed", error };
}

// What a server answered, so nothing is known of it.
function retryAfterOf(cause: unknown): number | undefined {
  if (typeof cause !== "object" || cause === null || !("retryAfterMs" in cause)) return undefined;
  const { retryAfterMs } = cause;
  return typeof retryAfterMs === "number" && retryAfterMs >= 0 ? retryAfterMs : undefined;
}
