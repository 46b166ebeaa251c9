import { eventClass, type EventDraft } from "./event.js";
import { parseTimestamp } from "./timestamp.js";

/**
 * True when a command is no longer worth delivering: its `expirytime` is reached (PROTOCOL.md, Expiry). States do not expire, they are superseded.
 *
 * @param wallNowMs Unix milliseconds
 */
export function hasExpired({ expirytime, type }: EventDraft, wallNowMs: number): boolean {
  if (expirytime === undefined || eventClass(type) !== "command") return false;
  const expiry = parseTimestamp(expirytime);
  return expiry !== undefined && wallNowMs >= expiry.seconds * 1000 + expiry.nanos / 1_000_000;
}
