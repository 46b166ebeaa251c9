import { checkOptionNames, HawserError } from "@hawser/protocol";
import { defined } from "@hawser/runtime";

/** How long an agent stays away. All in milliseconds (PROTOCOL.md, Reconnecting). */
export interface ReconnectTiming {
  /**
   * No try after a failure comes sooner than this, and the exponential begins with it.
   *
   * @default 250 ms
   */
  readonly backoffMinMs: number;
  /** The exponential doubles up to this. @default 2 min */
  readonly backoffMaxMs: number;
  /**
   * Only a session that lived this long proves that things are well again; flapping below it goes
   * on backing off.
   *
   * @default 60 s
   */
  readonly stableAfterMs: number;
  /**
   * A clean end before this counts as a failure, or a loop of clean closes would spin.
   *
   * @default 5 s
   */
  readonly shortSessionMs: number;
  /**
   * Refused for identity or version: the first wait is a uniform draw between half of this and all
   * of it, because a new agent often comes before its token does, and a token that was mended is
   * not to wait for long.
   *
   * @default 30 s
   */
  readonly refusedFirstMs: number;
  /** Each further refusal doubles that up to this, as it needs an operator. @default 10 min */
  readonly refusedMaxMs: number;
  /**
   * The longest that a principal may ask an agent to stay away; a longer wish counts as this.
   *
   * @default 1 h
   */
  readonly maxRequestedMs: number;
}

/** What holds for whatever `reconnect` leaves out; the reasons are at `ReconnectTiming`. */
export const DEFAULT_RECONNECT_TIMING: ReconnectTiming = {
  backoffMinMs: 250,
  backoffMaxMs: 120_000,
  stableAfterMs: 60_000,
  shortSessionMs: 5_000,
  refusedFirstMs: 30_000,
  refusedMaxMs: 600_000,
  maxRequestedMs: 3_600_000,
};

/**
 * Fills in the defaults and checks the whole.
 *
 * @throws HawserError `invalid_config` naming the option and what it may be
 */
export function resolveReconnectTiming(options: Partial<ReconnectTiming> = {}): ReconnectTiming {
  checkOptionNames("reconnect", options, DEFAULT_RECONNECT_TIMING);
  const timing: ReconnectTiming = { ...DEFAULT_RECONNECT_TIMING, ...defined(options) };
  for (const [name, value] of Object.entries(timing))
    if (!Number.isSafeInteger(value) || value < 1)
      throw invalid(`${name} must be a whole number of milliseconds of at least 1, not ${value}`);
  checkOrder(timing, "backoffMinMs", "backoffMaxMs");
  checkOrder(timing, "refusedFirstMs", "refusedMaxMs");
  return timing;
}

function checkOrder(timing: ReconnectTiming, low: keyof ReconnectTiming, high: keyof ReconnectTiming): void {
  if (timing[low] > timing[high])
    throw invalid(`${low} (${timing[low]}) must not be above ${high} (${timing[high]})`);
}

function invalid(message: string): HawserError {
  return new HawserError("invalid_config", message);
}
