import { HawserError } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";

/**
 * One call over the network, given up after `timeoutMs` even if what makes it ignores its signal.
 *
 * @throws HawserError `timeout` or `aborted`, or what the call throws
 */
export async function limitedCall<T>(
  timers: Timers,
  timeoutMs: number,
  outer: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  let give: (why: HawserError) => void = () => {};
  const given = new Promise<never>((_resolve, reject) => (give = reject));
  const end = (code: "timeout" | "aborted", message: string): void => {
    give(new HawserError(code, message));
    over.abort();
  };
  const onAbort = (): void => end("aborted", "the watcher was stopped");
  const timer = timers.after(timeoutMs, () => end("timeout", `no answer within ${timeoutMs} ms`));
  outer.addEventListener("abort", onAbort, { once: true });
  try {
    if (outer.aborted) onAbort();
    return await Promise.race([given, call(over.signal)]);
  } finally {
    timer.cancel();
    outer.removeEventListener("abort", onAbort);
  }
}
