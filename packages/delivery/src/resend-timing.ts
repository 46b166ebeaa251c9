import { checkOptionNames, HawserError } from "@hawser/protocol";

/** When an unacknowledged event is resent. All in milliseconds (PROTOCOL.md, Delivery). */
export interface ResendTiming {
  /**
   * The resend timeout before anything has been measured, from `MIN_RESEND_TIMEOUT_MS`. On a LAN or
   * over loopback, with handlers that are quick, a few times what an ACK takes: 50, say.
   *
   * @default 3 s, three times the usual floor of TCP: nothing is known yet about the handlers
   */
  readonly initialTimeoutMs: number;
  /**
   * The resend timeout never falls below it, from `MIN_RESEND_TIMEOUT_MS`.
   *
   * @default 1 s (RFC 6298, 2.4), or `initialTimeoutMs` where that is less
   */
  readonly minTimeoutMs: number;
  /** No wait for an ACK is longer. @default 120 s */
  readonly maxTimeoutMs: number;
  /** The shortest wait after a retryable NACK, and the base of its exponential. @default 250 ms */
  readonly minNackBackoffMs: number;
  /** The longest. @default 120 s */
  readonly maxNackBackoffMs: number;
}

/**
 * Lower bound of resend timeouts: timers and event loops take about as long, so a shorter one
 * resends events whose ACK is under way.
 */
export const MIN_RESEND_TIMEOUT_MS = 10;

/** What holds for whatever `resend` leaves out; the reasons are at `ResendTiming`. */
export const DEFAULT_RESEND_TIMING: ResendTiming = {
  initialTimeoutMs: 3_000,
  minTimeoutMs: 1_000,
  maxTimeoutMs: 120_000,
  minNackBackoffMs: 250,
  maxNackBackoffMs: 120_000,
};

/**
 * Fills in the defaults.
 *
 * @throws HawserError `invalid_config` for a name that is none, when a value is not a positive
 *   number of milliseconds, a resend timeout is below `MIN_RESEND_TIMEOUT_MS`, or a minimum is
 *   above its maximum
 */
export function resolveResendTiming(partial: Partial<ResendTiming> = {}): ResendTiming {
  checkOptionNames("resend", partial, DEFAULT_RESEND_TIMING);
  const { initialTimeoutMs = DEFAULT_RESEND_TIMING.initialTimeoutMs } = partial;
  // An initial timeout below the floor lowers the floor.
  const minTimeoutMs = Math.min(DEFAULT_RESEND_TIMING.minTimeoutMs, initialTimeoutMs);
  const timing: ResendTiming = { ...DEFAULT_RESEND_TIMING, minTimeoutMs, ...partial };
  for (const [name, value] of Object.entries(timing)) {
    if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
      throw new HawserError("invalid_config", `${name} is ${value}; it must be milliseconds above 0`);
  }
  for (const name of ["initialTimeoutMs", "minTimeoutMs"] as const) {
    if (timing[name] < MIN_RESEND_TIMEOUT_MS)
      throw new HawserError(
        "invalid_config",
        `${name} is ${timing[name]}; it must be ${MIN_RESEND_TIMEOUT_MS} ms or more, which is what timers and event loops take by themselves`,
      );
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
