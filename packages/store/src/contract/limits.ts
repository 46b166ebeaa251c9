import { HawserError } from "@hawser/protocol";
import { DEFAULT_MAILBOX_LIMITS, type MailboxLimits } from "./mailbox.js";

/**
 * Fills in defaults.
 *
 * @throws HawserError `invalid_config` naming the limit that is not a positive integer
 */
export function resolveMailboxLimits(limits: Partial<MailboxLimits> = {}): MailboxLimits {
  const resolved: { -readonly [Name in keyof MailboxLimits]: number } = { ...DEFAULT_MAILBOX_LIMITS };
  for (const name of [
    "maxEntries",
    "maxBytes",
    "maxIdempotencyKeys",
    "maxIdempotencyAgeMs",
    "maxPeers",
    "maxTombstones",
  ] as const) {
    const value = limits[name];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new HawserError("invalid_config", `${name} must be a positive integer, not ${String(value)}`);
    }
    resolved[name] = value;
  }
  return resolved;
}
