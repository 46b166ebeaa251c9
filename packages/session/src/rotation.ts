import type { Random } from "@hawser/runtime";
import type { SessionTiming } from "./session-timing.js";

/** When a connection that opens now is to be renewed: uniform between the two bounds, one draw per connection; undefined when switched off. */
export function drawRotation(
  { rotationMinMs, rotationMaxMs }: SessionTiming,
  random: Random,
  nowMs: number,
): number | undefined {
  if (rotationMinMs === null || rotationMaxMs === null) return undefined;
  return nowMs + rotationMinMs + random.next() * (rotationMaxMs - rotationMinMs);
}
