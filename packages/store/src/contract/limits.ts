import { HawserError } from "@hawser/protocol";

/** Both caps count pending entries and dead letters. At either, `append` answers `full`. */
export interface MailboxLimits {
  /** @default 100_000 */
  readonly maxEntries: number;
  /** @default 256 MiB */
  readonly maxBytes: number;
  /**
   * Idempotency keys per mailbox besides those of pending events, oldest forgotten first. About 200
   * bytes of disk each. The key of a pending event is never forgotten. @default 100_000
   */
  readonly maxIdempotencyKeys: number;
  /**
   * How long the key of an event is remembered after it was accepted, unless it is pending. By the
   * wall clock. @default 86_400_000 (24 h)
   */
  readonly maxIdempotencyAgeMs: number;
  /** Mailboxes in one store. Then `append` answers `full`, `open` is refused. @default 100_000 */
  readonly maxPeers: number;
  /** Tombstones in one store, oldest forgotten first. About 100 bytes each. @default 10_000 */
  readonly maxTombstones: number;
}

/** What holds for whatever `limits` leaves out; what happens at each is at `MailboxLimits`. */
export const DEFAULT_MAILBOX_LIMITS: MailboxLimits = {
  maxEntries: 100_000,
  maxBytes: 268_435_456,
  maxIdempotencyKeys: 100_000,
  maxIdempotencyAgeMs: 86_400_000,
  maxPeers: 100_000,
  maxTombstones: 10_000,
};

/**
 * Fills in defaults.
 *
 * @throws HawserError `invalid_config` naming the limit that is not a positive integer
 */
export function resolveMailboxLimits(limits: Partial<MailboxLimits> = {}): MailboxLimits {
  const given = Object.entries(limits).filter(
    ([name, value]) => value !== undefined && Object.hasOwn(DEFAULT_MAILBOX_LIMITS, name),
  );
  for (const [name, value] of given)
    if (!Number.isSafeInteger(value) || value < 1)
      throw new HawserError("invalid_config", `${name} must be a positive integer, not ${String(value)}`);
  return { ...DEFAULT_MAILBOX_LIMITS, ...Object.fromEntries(given) };
}
