import type { HawserError } from "@hawser/protocol";
import { isRefusal } from "./close-reasons.js";
import type { EndReason } from "./session-end.js";

/** There was no session: the transport's dialer threw this. */
export interface DialFailure {
  readonly kind: "dialFailed";
  readonly error: HawserError;
}

/**
 * The row of the reconnect table a failed dial belongs to. `overloaded` names its time to come back as `retryAfterMs` of the error's
 * cause, and with `slot` whether it is this agent's own.
 */
export function endOfDial({ error }: DialFailure): EndReason {
  const asked = retryAfterOf(error.cause);
  if (isRefusal(error.code))
    return { kind: "refused", code: error.code, error, retryAfterMs: asked?.retryAfterMs };
  if (asked !== undefined) return { kind: "retryAfter", ms: asked.retryAfterMs, slot: asked.slot, error };
  return { kind: "failed", error };
}

// What a server answered, so nothing is known of it.
function retryAfterOf(cause: unknown): { retryAfterMs: number; slot: boolean } | undefined {
  if (typeof cause !== "object" || cause === null || !("retryAfterMs" in cause)) return undefined;
  const { retryAfterMs } = cause;
  if (typeof retryAfterMs !== "number" || !(retryAfterMs >= 0)) return undefined;
  return { retryAfterMs, slot: "slot" in cause && cause.slot === true };
}
