import { HawserError } from "@hawser/protocol";
import { withinLimits, type Timers } from "@hawser/runtime";

/**
 * One call over the network. It is given up after `timeoutMs` or with `signal`, even if the callee
 * ignores the signal it gets.
 *
 * @throws HawserError `timeout` or `aborted`, or what the call throws
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
