import type { Runtime } from "@hawser/runtime";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { vi } from "vitest";
import type { DrainSignal, PlatformWatcherState } from "../watcher-state.js";

/**
 * Virtual time, and what a watcher said. HTTP is real, so what it answers is waited for, and virtual time must stand still meanwhile: moved while a call is
 * under way it would fire the call's time limit.
 *
 * @param callLimitsMs the time limits of the watcher's calls; every other timer it sets is a rest between two rounds
 */
export function createWatched(callLimitsMs: readonly number[]) {
  const logged: string[] = [];
  const log = (level: string) => (_fields: unknown, message: string) =>
    void logged.push(`${level} ${message}`);
  const logger = {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    child: () => logger,
  };
  const world = createVirtualRuntime({ seed: 7, logger });
  const signals: DrainSignal[] = [];
  const states: PlatformWatcherState[] = [];
  const rests = watchRests(world, callLimitsMs);
  const until = <T>(check: () => T) => vi.waitFor(check, { timeout: 5_000, interval: 2 });
  /** Waits until the round is over; answers how long the rest after it is. */
  const rested = () =>
    until(() => {
      if (rests.now === undefined) throw new Error("no round has ended");
      return rests.now;
    });
  return {
    world,
    logged,
    signals,
    states,
    options: {
      runtime: rests.runtime,
      onDraining: (signal: DrainSignal) => void signals.push(signal),
      onState: (state: PlatformWatcherState) => void states.push(state),
    },
    until,
    rested,
    /** To the very start of the next round, however long the rest before it is. Answers how long it was. */
    next: async () => {
      const restMs = await rested();
      await world.runUntil(() => rests.now === undefined, { timeoutMs: restMs });
      return restMs;
    },
  };
}

/** A runtime that knows whether, and for how long, its user rests. */
function watchRests(world: VirtualRuntime, callLimitsMs: readonly number[]) {
  const { timers } = world.runtime;
  let now: number | undefined;
  const after: Runtime["timers"]["after"] = (delayMs, callback) => {
    if (callLimitsMs.includes(delayMs)) return timers.after(delayMs, callback);
    now = delayMs;
    const timer = timers.after(delayMs, () => {
      now = undefined;
      callback();
    });
    return {
      cancel: () => {
        now = undefined;
        timer.cancel();
      },
    };
  };
  const runtime: Runtime = { ...world.runtime, timers: { after, soon: (callback) => timers.soon(callback) } };
  return {
    runtime,
    get now() {
      return now;
    },
  };
}
