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
 * A uniform delay between the floor and the ceiling of `attempt`. Jitter is applied after the cap
 * and from the floor on, so callers at either bound stay spread out.
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
