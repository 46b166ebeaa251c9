import { pause, systemClock, systemTimers } from "@hawser/runtime";

/** How long something took. All in milliseconds. */
export interface Figures {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The same without the time in which one of those who work on it was able to run and had no core: of them the one with the most of it, because they wait at the same time as well. */
  readonly ownP50Ms: number;
  readonly ownP99Ms: number;
}

export interface SamplingOptions {
  readonly everyMs: number;
  readonly forMs: number;
  /** How long each of those who work on it has waited for a core, so far. */
  readonly waitedMs: () => readonly number[];
}

/**
 * How long a step takes that begins every so often, whether the one before is through or not: whoever waited for it would take one sample of a second in which all stood still, and
 * not the eighty there are.
 */
export async function sampled(step: () => Promise<void>, options: SamplingOptions): Promise<Figures> {
  const { everyMs, forMs, waitedMs } = options;
  const tookMs: number[] = [];
  const ownMs: number[] = [];
  const timed = async (): Promise<void> => {
    const before = { atMs: systemClock.now(), waitedMs: waitedMs() };
    await step();
    const took = systemClock.now() - before.atMs;
    tookMs.push(took);
    ownMs.push(took - Math.max(...waitedMs().map((ms, n) => ms - (before.waitedMs[n] ?? 0))));
  };
  const underWay: Promise<void>[] = [];
  const startedAtMs = systemClock.now();
  for (let dueAtMs = startedAtMs; dueAtMs < startedAtMs + forMs; dueAtMs += everyMs) {
    await pause(systemTimers, Math.max(0, dueAtMs - systemClock.now()));
    underWay.push(timed());
  }
  await Promise.all(underWay);
  for (const each of [tookMs, ownMs]) each.sort((a, b) => a - b);
  return {
    samples: tookMs.length,
    p50Ms: at(tookMs, 0.5),
    p99Ms: at(tookMs, 0.99),
    maxMs: at(tookMs, 1),
    ownP50Ms: at(ownMs, 0.5),
    ownP99Ms: at(ownMs, 0.99),
  };
}

function at(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN);
}
