import type { Random } from "@hawser/runtime";
import type { SessionTiming } from "./session-timing.js";

/** How far a session's end of life lies around the setting, so that sessions that began together do not end together. */
const SPREAD = 0.1;

/** When a principal asks a session that opens now to be renewed, if its agent has not done so by itself; undefined when switched off. */
export function drawRetirement(
  { maxSessionAgeMs }: SessionTiming,
  random: Random,
  nowMs: number,
): number | undefined {
  if (maxSessionAgeMs === null) return undefined;
  return nowMs + maxSessionAgeMs * (1 - SPREAD + random.next() * 2 * SPREAD);
}
