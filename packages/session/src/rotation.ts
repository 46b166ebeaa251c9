import type { Random } from "@hawser/runtime";
import type { SessionTiming } from "./session-timing.js";

/**
 * How an agent renews its connection (PROTOCOL.md, Rotation): it leaves and comes back at once, or it opens the new session first and leaves the old one when
 * events flow on the new.
 */
export type AgentRotation = (typeof AGENT_ROTATIONS)[number];
/** The ways to renew a connection (PROTOCOL.md, Rotation). */
export const AGENT_ROTATIONS = ["break-before-make", "make-before-break"] as const;

/** When a connection that opens now is to be renewed: uniform between the two bounds, one draw per connection; undefined when switched off. */
export function drawRotation(
  { rotationMinMs, rotationMaxMs }: SessionTiming,
  random: Random,
  nowMs: number,
): number | undefined {
  if (rotationMinMs === null || rotationMaxMs === null) return undefined;
  return nowMs + rotationMinMs + random.next() * (rotationMaxMs - rotationMinMs);
}
