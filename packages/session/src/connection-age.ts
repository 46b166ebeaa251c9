import type { Random } from "@hawser/runtime";
import type { SessionTiming } from "./session-timing.js";

// Spread of the maximum age, so that sessions that began together do not end together.
const MAX_AGE_SPREAD = 0.1;

/** When an agent rotates a connection that opens now; undefined when switched off. */
export function drawRotation(
  { rotationMinMs, rotationMaxMs }: SessionTiming,
  random: Random,
  nowMs: number,
): number | undefined {
  if (rotationMinMs === null || rotationMaxMs === null) return undefined;
  return nowMs + rotationMinMs + random.next() * (rotationMaxMs - rotationMinMs);
}

/** When a principal drains a session that opens now; undefined when switched off. */
export function drawMaxAge(
  { maxSessionAgeMs }: SessionTiming,
  random: Random,
  nowMs: number,
): number | undefined {
  if (maxSessionAgeMs === null) return undefined;
  return nowMs + maxSessionAgeMs * (1 - MAX_AGE_SPREAD + random.next() * 2 * MAX_AGE_SPREAD);
}
