import type { Timer, Timers } from "../timers.js";

/** Timers that fire when told to, and know what is still set. */
export function handTimers(): Timers & { fire(): void; readonly set: ReadonlySet<() => void> } {
  const set = new Set<() => void>();
  const add = (callback: () => void): Timer => {
    set.add(callback);
    return { cancel: () => void set.delete(callback) };
  };
  return {
    set,
    after: (_delayMs, callback) => add(callback),
    soon: add,
    fire: () => {
      for (const callback of set) callback();
    },
  };
}
