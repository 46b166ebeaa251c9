import { seededRandom, type Random } from "@hawser/runtime";
import { makePlan, pick, type Plan, type SharedPlan } from "./plan.js";

/** What a principal has by default; see `SharedClientOptions` and `memberTtlMs` of the engine. */
const DEFAULTS = {
  client: { requestTimeoutMs: 5_000, sweepMs: 2_000, graceMs: 10_000 },
  memberTtlMs: 30_000,
} as const;
/** Short enough that a few seconds of virtual time see every one of them pass. */
const SHORT = {
  client: { requestTimeoutMs: 900, sweepMs: 400, graceMs: 1_500 },
  memberTtlMs: 3_000,
} as const;
/** How long the disk of the store fails, or its network is slow, at most. */
export const STORE_FAULT_MS = 2_000;
/** Slowness multiplies the latency by this. */
export const SLOW_FACTOR = 10;

/** The plan of a run with several principals over one store. No machine of theirs has a disk, so none is replaced or rolled back. */
export function makeSharedPlan(seed: number): Plan {
  const plan = makePlan(seed);
  const random = seededRandom(seed ^ 0x5a4ed);
  return { ...plan, olderCopy: false, downShare: 0.7, shared: sharedPlan(plan, random) };
}

function sharedPlan({ flavour }: Plan, random: Random): SharedPlan {
  const base = {
    principals: pick(random, [2, 2, 3]),
    latencyMs: { min: 0.2, max: pick(random, [1, 5, 25]) },
    ...pick(random, [
      { lostShare: 0, positionShare: 0 },
      { lostShare: 0, positionShare: 0.5 },
      { lostShare: 0.3, positionShare: 0 },
      { lostShare: 1, positionShare: 0 },
    ]),
  };
  const never = Number.POSITIVE_INFINITY;
  switch (flavour) {
    case "chaos":
      return { ...base, ...SHORT, meanCutMs: 2_000, longestCutMs: 3_500, meanOutageMs: 5_000 };
    case "defaults":
      return { ...base, ...DEFAULTS, meanCutMs: 20_000, longestCutMs: 25_000, meanOutageMs: 60_000 };
    case "rotations":
      // A wake-up that was lost delays what is sent, and is a fault.
      return {
        ...base,
        ...DEFAULTS,
        lostShare: 0,
        meanCutMs: never,
        longestCutMs: 0,
        meanOutageMs: never,
      };
  }
}

/**
 * After so long a principal has heard of what happened to a mailbox that it holds, or holds it no more, in virtual milliseconds. The worst way there: a sweep is lost with a
 * cut that heals in the moment before the grace is over, and the next one has to wait; and the store itself fails meanwhile.
 */
export function hearingBoundMs({ shared }: Plan): number {
  if (shared === undefined) return 0;
  const { client, latencyMs } = shared;
  const { graceMs, sweepMs, requestTimeoutMs } = client;
  return graceMs + 2 * (sweepMs + requestTimeoutMs) + STORE_FAULT_MS + 4 * SLOW_FACTOR * latencyMs.max;
}

/** How long after the last ACK of a session the store has it, without faults, in virtual milliseconds: the close that brings it, and a claim that is as fast, take a way each. */
export function settlingBoundMs({ shared, maxWriteMs }: Plan): number {
  return 4 * ((shared?.latencyMs.max ?? 0) + maxWriteMs);
}
