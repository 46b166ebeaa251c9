import type { Random } from "./random.js";

/** An exponential between two bounds. */
export interface Backoff {
  /** No delay is shorter. */
  readonly floorMs: number;
  /** The ceiling of attempt n is `baseMs * factor^n`... */
  readonly baseMs: number;
  readonly factor: number;
  /** ...but never more than this. */
  readonly capMs: number;
}

/**
 * A delay drawn uniformly from [floor, ceiling of `attempt`). Jitter comes last, after the cap, so that even those that are at the cap for
 * long stay spread out; and it starts at the floor rather than being clamped to it, so that nobody meets there either.
 *
 * @param attempt 1 for the first
 */
export function fullJitter(
  random: Pick<Random, "next">,
  { floorMs, baseMs, factor, capMs }: Backoff,
  attempt: number,
): number {
  const ceilingMs = Math.min(capMs, baseMs * factor ** attempt);
  return floorMs + random.next() * Math.max(0, ceilingMs - floorMs);
}
