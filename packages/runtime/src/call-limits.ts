import type { Timers } from "./timers.js";

/** How long the caller of one call is willing to wait for its answer. */
export interface CallLimits {
  /** Once aborted, the call rejects with `aborted`; the signal's reason is the cause. */
  readonly signal?: AbortSignal;
  /** Whole milliseconds; then the call rejects with `timeout`. @default the limits of what is called, such as the disk */
  readonly timeoutMs?: number;
}

/** Makes the error of a call that was given up. */
export type CallFailure = (code: "aborted" | "timeout", message: string, cause?: unknown) => Error;

/**
 * Waits for `work` no longer than its caller wants to. Giving up ends the waiting and not the work: what was begun may still take effect, so a write is repeated
 * under its idempotency key. Under a signal that is aborted already nothing is begun.
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
