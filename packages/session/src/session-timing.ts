import { checkOptionNames, DEFAULT_TIMING, HawserError, LIMITS } from "@hawser/protocol";

/** Timing of a session (PROTOCOL.md, Liveness and Rotation). Whole milliseconds from 1. */
export interface SessionTiming {
  /** From the open connection to `welcome`. @default 10 s */
  readonly handshakeTimeoutMs: number;
  /**
   * Between two heartbeats of this side. The principal's is announced; an agent never sends less
   * often than that.
   *
   * @default 20 s
   */
  readonly heartbeatIntervalMs: number;
  /**
   * Silence that ends the session is this much plus a uniform draw of the same size. At least two
   * intervals, so that one late heartbeat ends nothing.
   *
   * @default 60 s
   */
  readonly heartbeatTimeoutMs: number;
  /**
   * An agent renews its connection after a uniform draw between these two. Null (both) switches
   * rotation off.
   *
   * @default 15 min
   */
  readonly rotationMinMs: number | null;
  /** @default 45 min */
  readonly rotationMaxMs: number | null;
  /**
   * The principal asks an agent to come back at once when its session is this old, give or take a
   * tenth: for agents that never rotate, and load balancers that would cut the connection. Null
   * switches it off; agents do not read it.
   *
   * @default 60 min
   */
  readonly maxSessionAgeMs: number | null;
  /** What each step of a goodbye may take before the connection is cut. @default 10 s */
  readonly closeGraceMs: number;
}

/** The longest any of them may be: what a timer can hold, about 24 days. */
export const MAX_SESSION_TIMING_MS = 2_147_483_647;

/**
 * Fills in the defaults and checks the whole. Naming one of the rotation bounds as null switches
 * rotation off.
 *
 * @throws HawserError `invalid_config` naming the option and what it may be
 */
export function resolveSessionTiming(options: Partial<SessionTiming> = {}): SessionTiming {
  checkOptionNames("timing", options, DEFAULT_TIMING);
  const timing: SessionTiming = {
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? DEFAULT_TIMING.handshakeTimeoutMs,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? DEFAULT_TIMING.heartbeatIntervalMs,
    heartbeatTimeoutMs: options.heartbeatTimeoutMs ?? DEFAULT_TIMING.heartbeatTimeoutMs,
    ...resolveRotation(options),
    maxSessionAgeMs:
      options.maxSessionAgeMs === undefined ? DEFAULT_TIMING.maxSessionAgeMs : options.maxSessionAgeMs,
    closeGraceMs: options.closeGraceMs ?? DEFAULT_TIMING.closeGraceMs,
  };
  const { minHeartbeatIntervalMs, maxDurationMs } = LIMITS;
  for (const [name, value] of Object.entries(timing)) checkDuration(name, value, 1, MAX_SESSION_TIMING_MS);
  // These two are announced to the agent, so they have to be what the wire allows.
  checkDuration("heartbeatIntervalMs", timing.heartbeatIntervalMs, minHeartbeatIntervalMs, maxDurationMs);
  checkDuration("heartbeatTimeoutMs", timing.heartbeatTimeoutMs, minHeartbeatIntervalMs, maxDurationMs);
  if (timing.heartbeatTimeoutMs < 2 * timing.heartbeatIntervalMs)
    throw invalid(
      `heartbeatTimeoutMs (${timing.heartbeatTimeoutMs}) must be at least twice heartbeatIntervalMs (${timing.heartbeatIntervalMs}), or one late heartbeat ends the session`,
    );
  return timing;
}

type Rotation = Pick<SessionTiming, "rotationMinMs" | "rotationMaxMs">;

function resolveRotation({ rotationMinMs, rotationMaxMs }: Partial<SessionTiming>): Rotation {
  if (rotationMinMs === null || rotationMaxMs === null) {
    if (typeof rotationMinMs === "number" || typeof rotationMaxMs === "number")
      throw invalid("rotationMinMs and rotationMaxMs must both be null to switch rotation off, or neither");
    return { rotationMinMs: null, rotationMaxMs: null };
  }
  const min = rotationMinMs ?? DEFAULT_TIMING.rotationMinMs;
  const max = rotationMaxMs ?? DEFAULT_TIMING.rotationMaxMs;
  if (min > max) throw invalid(`rotationMinMs (${min}) must not be above rotationMaxMs (${max})`);
  return { rotationMinMs: min, rotationMaxMs: max };
}

function checkDuration(name: string, value: number | null, min: number, max: number): void {
  if (value === null || (Number.isSafeInteger(value) && value >= min && value <= max)) return;
  throw invalid(`${name} must be a whole number of milliseconds from ${min} to ${max}, not ${value}`);
}

function invalid(message: string): HawserError {
  return new HawserError("invalid_config", message);
}
