import type { Timers } from "./timers.js";

/** Limits of the caller's wait for an answer. */
export interface CallLimits {
  /** When aborted, the call rejects with `aborted`; the signal's reason is the cause. */
  readonly signal?: AbortSignal;
  /** Whole milliseconds until the call rejects with `timeout`. @default the callee's own limits */
  readonly timeoutMs?: number;
}

/** Makes the error of an abandoned call. */
export type CallFailure = (code: "aborted" | "timeout", message: string, cause?: unknown) => Error;

/**
 * Waits for `work` within the caller's limits. Giving up ends the wait, not the work, which may
 * still take effect: repeat a write under its idempotency key. An aborted signal starts nothing.
 */
export function withinLimits<T>(
  { signal, timeoutMs }: CallLimits,
  timers: Timers,
  failure: CallFailure,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined && timeoutMs === undefined) return work();
  return new Promise((resolve, reject) => {
    const aborted = (): void => giveUp(failure("aborted", "the caller gave up waiting", signal?.reason));
    if (signal?.aborted === true) {
      reject(failure("aborted", "the caller gave up before the call began", signal.reason));
      return;
    }
    const timer =
      timeoutMs === undefined
        ? undefined
        : timers.after(timeoutMs, () => giveUp(failure("timeout", `no answer within ${timeoutMs} ms`)));
    const settled = (): void => {
      timer?.cancel();
      signal?.removeEventListener("abort", aborted);
    };
    const giveUp = (error: Error): void => {
      settled();
      reject(error);
    };
    signal?.addEventListener("abort", aborted, { once: true });
    work().then(resolve, reject).finally(settled);
  });
}
