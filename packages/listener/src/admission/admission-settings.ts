import { HawserError, LIMITS } from "@hawser/protocol";

/** How fast connections are let in. May be changed while the principal runs. */
export interface AdmissionSettings {
  /**
   * New connections a second: as many handshakes begin, and as many sessions open. A core finishes about 1,000 TLS handshakes a second; the half leaves room for those who are in. @default 500
   */
  readonly ratePerSecond: number;
  /** Connections that may come at once after a quiet time. In any second at most `ratePerSecond + burst` get in. @default a twentieth of the rate, at least 1 */
  readonly burst: number;
  /** Handshakes under way, from the first byte of TLS to the welcome. Five hundred keep the event loop's lag near 40 ms. @default 500 */
  readonly maxHandshakes: number;
  /**
   * How long one may take before it is cut off, so that slow clients cannot hold a place. A little more than a session waits for `hello`, so that an agent which
   * is silent hears why it has to go. @default 12_000
   */
  readonly handshakeTimeoutMs: number;
  /**
   * Sockets and streams at once that are no session yet, those that wait included. One more costs the source with the most of them one: the one that has stalled longest,
   * or its newest. From half of it on, handshakes get less time. Each may hold a message of `LIMITS.maxHelloBytes`, so this is 64 MiB and what sockets cost. @default 4_096
   */
  readonly maxUnauthenticated: number;
  /**
   * Sockets that wait for a place; never more than can be let in within `maxWaitMs`. One more, of the source with the most, is refused with a slot. @default 2_048
   */
  readonly maxWaiting: number;
  /** How long a socket waits before it is refused with a slot: well below what clients give a connection attempt. @default 5_000 */
  readonly maxWaitMs: number;
  /** How many are told at once when to come back. The others wait for it, for `maxWaitMs` and `handshakeTimeoutMs` at most; then they are closed without a word, and back off. @default 256 */
  readonly maxRefusing: number;
  /**
   * Connections of one source (an IPv4 address, or a /64 of IPv6) a second that may come to nothing: by a handshake that fails, a bad credential, or an end without a session. A source
   * with more of them is let in no faster than this, the others meanwhile. Who has shown a good credential, or is sent away by this side, has not failed. @default two fifths of the rate
   */
  readonly failuresPerSecond: number;
  /** From opening, the rate grows from a tenth of `ratePerSecond` to all of it over this long. @default 5_000 */
  readonly rampMs: number;
  /** No slot is farther away. @default 600_000 */
  readonly maxSlotMs: number;
}

/** What holds where nothing else is said. `burst` and `failuresPerSecond` follow from the rate. */
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
  checkWhole("burst", settings.burst, 1, MAX_COUNT);
  checkWhole("maxHandshakes", settings.maxHandshakes, 1, MAX_COUNT);
  checkWhole("maxUnauthenticated", settings.maxUnauthenticated, 1, MAX_COUNT);
  checkWhole("maxWaiting", settings.maxWaiting, 0, MAX_COUNT);
  checkWhole("maxRefusing", settings.maxRefusing, 1, MAX_COUNT);
  checkWhole("handshakeTimeoutMs", settings.handshakeTimeoutMs, 1, LIMITS.maxDurationMs);
  checkWhole("maxWaitMs", settings.maxWaitMs, 0, LIMITS.maxDurationMs);
  checkWhole("rampMs", settings.rampMs, 0, LIMITS.maxDurationMs);
  checkWhole("maxSlotMs", settings.maxSlotMs, 1_000, LIMITS.maxDurationMs);
  return settings;
}

function checkWhole(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw invalid(name, value, `a whole number from ${min} to ${max}`);
}

function invalid(name: string, value: number, wanted: string): HawserError {
  return new HawserError("invalid_config", `admission.${name} must be ${wanted}, not ${value}`);
}
