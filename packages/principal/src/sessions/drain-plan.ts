import { HawserError, LIMITS } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import type { DrainOptions } from "../drain.js";

/** Every option of a drain. */
export type DrainPlan = Required<DrainOptions>;

/** When one session is asked to go, from the start of the drain, and the slot its notice names. */
export interface Turn {
  readonly atMs: number;
  readonly slotMs: number;
}

const DEFAULTS = {
  shape: "restart",
  leadMs: 0,
  answerWaitMs: 2_000,
  returnAfterMs: 1_000,
  graceMs: 5_000,
} as const;

/** @throws HawserError `invalid_config` naming the option and what it may be */
export function resolveDrainOptions(options: DrainOptions): DrainPlan {
  const plan: DrainPlan = { ...DEFAULTS, ...options };
  for (const name of ["windowMs", "leadMs", "answerWaitMs", "returnAfterMs", "graceMs"] as const) {
    const value = plan[name];
    if (Number.isFinite(value) && value >= 0 && value <= LIMITS.maxDurationMs) continue;
    throw new HawserError(
      "invalid_config",
      `drain.${name} must be 0 to ${LIMITS.maxDurationMs} milliseconds, not ${value}`,
    );
  }
  return plan;
}

/**
 * Whose turn is when: evenly spaced over the window, each at a random moment of its own share of it, so that neither the ends nor a common clock pile up.
 *
 * A handover spreads the leaving, for whoever leaves is at the other principal's door the next moment. A restart spreads the return: all stay as long as they
 * can, leave together, and come back one after the other.
 */
export function turnOf(
  { shape, windowMs, leadMs, returnAfterMs }: DrainPlan,
  place: number,
  of: number,
  random: Random,
): Turn {
  const inWindowMs = ((place + random.next()) * windowMs) / Math.max(1, of);
  switch (shape) {
    case "handover":
      return { atMs: leadMs + inWindowMs, slotMs: 0 };
    case "restart":
      return { atMs: leadMs, slotMs: returnAfterMs + inWindowMs };
  }
}

/** From the start of the drain: whoever has not gone by then is cut off. */
export function cutOffAtMs({ shape, windowMs, leadMs, answerWaitMs, graceMs }: DrainPlan): number {
  return leadMs + (shape === "handover" ? windowMs : 0) + answerWaitMs + graceMs;
}
