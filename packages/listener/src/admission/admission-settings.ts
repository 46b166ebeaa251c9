import { HawserError, LIMITS } from "@hawser/protocol";

/** How fast connections are let in. May be changed while the principal runs. */
export interface AdmissionSettings {
  /**
   * New connections a second: as many handshakes begin, and as many sessions open. A core completes
   * about 1,000 TLS handshakes a second; half of it leaves room for open sessions. @default 500
   */
  readonly ratePerSecond: number;
  /**
   * Connections admitted at once after a quiet time; in any second at most `ratePerSecond + burst`.
   * @default a twentieth of the rate, at least 1
   */
  readonly burst: number;
  /**
   * Handshakes under way, from the first byte of TLS to the welcome. Five hundred keep the event
   * loop's lag near 40 ms. @default 500
   */
  readonly maxHandshakes: number;
  /**
   * After this long a handshake is cut, so that slow clients cannot hold a place. A little more than
   * a session waits for `hello`, so that a silent agent learns why it is refused. @default 12_000
   */
  readonly handshakeTimeoutMs: number;
  /**
   * Sockets and streams that are no session yet, waiting ones included. Beyond it, the source with
   * the most loses one: the longest stalled, or its newest. From half of it on, handshakes get less
   * time. Each may hold a message of `LIMITS.maxHelloBytes`: 64 MiB in all. @default 4_096
   */
  readonly maxUnauthenticated: number;
  /**
   * Sockets that wait for a place; never more than can be admitted within `maxWaitMs`. Beyond it,
   * the source with the most has one refused with a slot. @default 2_048
   */
  readonly maxWaiting: number;
  /**
   * After this long in line a socket is refused with a slot: well below the connect timeouts of
   * clients. @default 5_000
   */
  readonly maxWaitMs: number;
  /**
   * Refusals under way. Other clients wait for theirs, for `maxWaitMs` and `handshakeTimeoutMs` at
   * most; then they are closed without an answer, and back off. @default 256
   */
  readonly maxRefusing: number;
  /**
   * Connections of one source (an IPv4 address, or a /64 of IPv6) a second that may fail: by their
   * handshake, a bad credential, or an end without a session. A source with more of them is admitted
   * no faster than this. A peer with a good credential, or one that this side refuses, has not
   * failed. @default two fifths of the rate
   */
  readonly failuresPerSecond: number;
  /** From opening, the rate grows from a tenth of `ratePerSecond` to all of it over this long. @default 5_000 */
  readonly rampMs: number;
  /** No slot is farther away. @default 600_000 */
  readonly maxSlotMs: number;
}

/** The defaults; those of `burst` and `failuresPerSecond` follow from the rate. */
export const DEFAULT_ADMISSION: Omit<AdmissionSettings, "burst" | "failuresPerSecond"> = {
  ratePerSecond: 500,
  maxHandshakes: 500,
  handshakeTimeoutMs: 12_000,
  maxUnauthenticated: 4_096,
  maxWaiting: 2_048,
  maxWaitMs: 5_000,
  maxRefusing: 256,
  rampMs: 5_000,
  maxSlotMs: 600_000,
};

const BURST_SHARE = 0.05;
const FAILURES_SHARE = 0.4;
const MAX_COUNT = 100_000;

/** Least and most of each setting that is a whole number. */
const WHOLE_NUMBERS: readonly (readonly [keyof AdmissionSettings, number, number])[] = [
  ["burst", 1, MAX_COUNT],
  ["maxHandshakes", 1, MAX_COUNT],
  ["maxUnauthenticated", 1, MAX_COUNT],
  ["maxWaiting", 0, MAX_COUNT],
  ["maxRefusing", 1, MAX_COUNT],
  ["handshakeTimeoutMs", 1, LIMITS.maxDurationMs],
  ["maxWaitMs", 0, LIMITS.maxDurationMs],
  ["rampMs", 0, LIMITS.maxDurationMs],
  ["maxSlotMs", 1_000, LIMITS.maxDurationMs],
];

/** @throws HawserError `invalid_config` naming the setting and what it may be */
export function resolveAdmissionSettings(options: Partial<AdmissionSettings> = {}): AdmissionSettings {
  const ratePerSecond = options.ratePerSecond ?? DEFAULT_ADMISSION.ratePerSecond;
  const settings: AdmissionSettings = {
    ...DEFAULT_ADMISSION,
    ...options,
    ratePerSecond,
    burst: options.burst ?? Math.max(1, Math.floor(ratePerSecond * BURST_SHARE)),
    failuresPerSecond: options.failuresPerSecond ?? Math.max(1, ratePerSecond * FAILURES_SHARE),
  };
  if (!(ratePerSecond > 0 && ratePerSecond <= MAX_COUNT))
    throw invalid("ratePerSecond", ratePerSecond, `above 0 and at most ${MAX_COUNT}`);
  if (!(settings.failuresPerSecond > 0 && settings.failuresPerSecond <= MAX_COUNT))
    throw invalid("failuresPerSecond", settings.failuresPerSecond, `above 0 and at most ${MAX_COUNT}`);
  for (const [name, min, max] of WHOLE_NUMBERS) {
    const value = settings[name];
    if (!(Number.isInteger(value) && value >= min && value <= max))
      throw invalid(name, value, `a whole number from ${min} to ${max}`);
  }
  return settings;
}

function invalid(name: string, value: number, wanted: string): HawserError {
  return new HawserError("invalid_config", `admission.${name} must be ${wanted}, not ${value}`);
}
