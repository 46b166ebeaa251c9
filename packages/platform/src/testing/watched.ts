import { createVirtualRuntime } from "@hawser/testkit";
import { vi } from "vitest";
import type { DrainSignal, PlatformWatcherState } from "../watcher-state.js";

/** Virtual time, and what a watcher said. HTTP is real, so what it answers is waited for. */
export function createWatched() {
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
  return {
    world,
    logged,
    signals,
    states,
    options: {
      runtime: world.runtime,
      onDraining: (signal: DrainSignal) => void signals.push(signal),
      onState: (state: PlatformWatcherState) => void states.push(state),
    },
    until: (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 2 }),
  };
}
