import type { HawserError } from "@hawser/protocol";
import { refusalOf, type EndReason } from "./session-end.js";

/** There was no session: the transport's dialer threw this. */
export interface DialFailure {
  readonly kind: "dialFailed";
  readonly error: HawserError;
}

/** The row of the reconnect table a failed dial belongs to. */
export function endOfDial({ error }: DialFailure): EndReason {
  return refusalOf(error) ?? { kind: "failed", error };
}
