import type { Timers } from "./timers.js";

/** Resolves after `delayMs` or when `signal` is aborted; never rejects. */
export function pause(timers: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = timers.after(delayMs, end);
    signal?.addEventListener("abort", end, { once: true });
  });
}
