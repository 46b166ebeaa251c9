import { HawserError } from "@hawser/protocol";
import { withinLimits, type Timers } from "@hawser/runtime";

/**
 * One network call within `timeoutMs` and `signal`, even if the callee ignores its signal.
 * @throws HawserError `timeout` or `aborted`, or as the call
 */
export function limitedCall<T>(
  timers: Timers,
  timeoutMs: number,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const failure = (code: "aborted" | "timeout", message: string): HawserError => {
    over.abort();
    return new HawserError(code, message);
  };
  return withinLimits({ signal, timeoutMs }, timers, failure, () => call(over.signal));
}
