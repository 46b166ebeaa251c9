import { checkOptionNames, HawserError, type OptionNames } from "@hawser/protocol";

/** When an event that was not acknowledged goes again. All in milliseconds (PROTOCOL.md, Delivery). */
export interface ResendTiming {
  /** The resend timeout before anything has been measured. @default 3 s, three times the usual floor of TCP: nothing is known yet about the handlers */
  readonly initialTimeoutMs: number;
  /** The resend timeout never falls below it. @default 1 s (RFC 6298, 2.4) */
  readonly minTimeoutMs: number;
  /** No wait for an ACK is longer. @default 120 s */
  readonly maxTimeoutMs: number;
  /** The shortest wait after a retryable NACK, and the base of its exponential. @default 250 ms */
  readonly minNackBackoffMs: number;
  /** The longest. @default 120 s */
  readonly maxNackBackoffMs: number;
}

/** What holds for whatever `resend` leaves out; the reasons are at `ResendTiming`. */
export const DEFAULT_RESEND_TIMING: ResendTiming = {
  initialTimeoutMs: 3_000,
  minTimeoutMs: 1_000,
  maxTimeoutMs: 120_000,
  minNackBackoffMs: 250,
  maxNackBackoffMs: 120_000,
};

const NAMES: OptionNames<ResendTiming> = {
  initialTimeoutMs: true,
  minTimeoutMs: true,
  maxTimeoutMs: true,
  minNackBackoffMs: true,
  maxNackBackoffMs: true,
};

/**
 * Fills in the defaults.
 *
 * @throws HawserError `invalid_config` for a name that is none, when a value is not a positive number of milliseconds, or a minimum is above its maximum
 */
export function resolveResendTiming(partial: Partial<ResendTiming> = {}): ResendTiming {
  checkOptionNames("resend", partial, NAMES);
  const timing: ResendTiming = { ...DEFAULT_RESEND_TIMING, ...partial };
  for (const [name, value] of Object.entries(timing)) {
    if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
      throw new HawserError("invalid_config", `${name} is ${value}; it must be milliseconds above 0`);
  }
  requireOrder(timing, "minTimeoutMs", "initialTimeoutMs");
  requireOrder(timing, "initialTimeoutMs", "maxTimeoutMs");
  requireOrder(timing, "minNackBackoffMs", "maxNackBackoffMs");
  return timing;
}

function requireOrder(timing: ResendTiming, low: keyof ResendTiming, high: keyof ResendTiming): void {
  if (timing[low] <= timing[high]) return;
  throw new HawserError(
    "invalid_config",
    `${low} (${timing[low]}) is above ${high} (${timing[high]}); lower it or raise the other`,
  );
}
