import { HawserError, LIMITS } from "@hawser/protocol";
import type { MailboxLimits } from "@hawser/store";

/**
 * What a log keeps. At a limit of entries or bytes it lets go of the oldest events that no reader waits for; where there are none, it refuses the new event
 * with `inbox_full`, and its agent offers it again.
 */
export interface EventLogLimits {
  /** Events of all agents together. @default 100_000 */
  readonly maxEntries: number;
  /** Their bytes. @default 268_435_456 (256 MiB) */
  readonly maxBytes: number;
  /** Events of one agent. @default 20_000 */
  readonly maxEntriesPerAgent: number;
  /** Their bytes. @default 67_108_864 (64 MiB) */
  readonly maxBytesPerAgent: number;
  /** An event that no reader waits for is let go this long after it was recorded. @default 604_800_000 (7 days) */
  readonly maxAgeMs: number;
}

/** What holds for whatever `limits` leaves out. */
export const DEFAULT_EVENT_LOG_LIMITS: EventLogLimits = {
  maxEntries: 100_000,
  maxBytes: 268_435_456,
  maxEntriesPerAgent: 20_000,
  maxBytesPerAgent: 67_108_864,
  maxAgeMs: 604_800_000,
};

/** One of the largest events has room, whatever the log adds to it. */
const MIN_BYTES = 2 * LIMITS.maxEventBytes;

/** @throws HawserError `invalid_config` for limits that are no whole numbers from 1, and for bytes that one of the largest events would not fit into */
export function resolveEventLogLimits(given: Partial<EventLogLimits> = {}): EventLogLimits {
  const limits = { ...DEFAULT_EVENT_LOG_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    const least = name.startsWith("maxBytes") ? MIN_BYTES : 1;
    if (Number.isSafeInteger(value) && value >= least) continue;
    const message = `the limit ${name} of the event log must be a whole number from ${least}, not ${value}`;
    throw new HawserError("invalid_config", message);
  }
  return limits;
}

/** Room beyond the log's own limits for what was let go and is not written yet, and for what is on its way in. */
const SLACK = 2;
/** Keys of events that the log has let go: what an agent may offer again after a crash is a window of the newest. */
const REMEMBERED_KEYS = 10_000;

/** The limits of the store that a log lies in: wide enough that the log's own are met first. */
export function eventLogStoreLimits(limits: EventLogLimits): Partial<MailboxLimits> {
  return {
    maxEntries: limits.maxEntries * SLACK,
    maxBytes: limits.maxBytes * SLACK,
    maxIdempotencyKeys: REMEMBERED_KEYS,
  };
}
