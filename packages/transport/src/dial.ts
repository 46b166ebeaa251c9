import { HawserError, thrownText } from "@hawser/protocol";
import { guarded, type Timers } from "@hawser/runtime";
import type { Connection } from "./connection.js";
import { DEFAULT_DIAL_TIMEOUT_MS, type DialOptions } from "./dialer.js";

/** What a dial is about, and how long it is measured. */
export interface DialOnceSettings extends DialOptions {
  /** Of what is dialled, for messages. */
  readonly name: string;
  readonly timers: Timers;
}

/** How one transport makes a connection. */
export interface DialSteps {
  /**
   * Begins to connect. A `HawserError` that it rejects with is the outcome of the dial as it is;
   * anything else fails it as `connectionFailed` says.
   *
   * @param signal aborts when the dial has failed meanwhile
   */
  open(signal: AbortSignal): Promise<Connection>;
  /**
   * Lets go of all that `open` has begun: the dial has failed, for this reason. Called at most
   * once.
   */
  cancel(error: HawserError): void;
}

/**
 * One try to connect, with a deadline, which its caller may give up. It has exactly one outcome,
 * and leaves nothing open when it fails.
 *
 * @throws HawserError `timeout`, `aborted`, or what `open` rejects with
 */
export function dialOnce(
  { name, timers, signal, timeoutMs = DEFAULT_DIAL_TIMEOUT_MS }: DialOnceSettings,
  { open, cancel }: DialSteps,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const giveUp = new AbortController();
    let failure: HawserError | undefined;
    let isSettled = false;

    const settle = (): void => {
      isSettled = true;
      deadline.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    const fail = (error: HawserError): void => {
      if (isSettled) return;
      settle();
      failure = error;
      giveUp.abort(error);
      // Called in a timer and in an event of the caller's, who must hear of the failure all the
      // same.
      guarded(
        () => cancel(error),
        () => {},
      );
      reject(error);
    };
    const onAbort = (): void =>
      fail(new HawserError("aborted", `Dialling ${name} was given up.`, { cause: signal?.reason }));
    const deadline = timers.after(timeoutMs, () =>
      fail(new HawserError("timeout", `${name} did not answer within ${timeoutMs} ms.`)),
    );
    const opened = (connection: Connection): void => {
      if (failure !== undefined) return connection.terminate(failure);
      settle();
      resolve(connection);
    };

    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener("abort", onAbort);
    open(giveUp.signal).then(opened, (thrown: unknown) =>
      fail(thrown instanceof HawserError ? thrown : connectionFailed(name, thrown)),
    );
  });
}

/**
 * The error of a dial that came to nothing. Settings that are wrong are told as such: no waiting
 * mends them.
 */
export function connectionFailed(name: string, thrown: unknown): HawserError {
  if (thrown instanceof HawserError && thrown.code === "invalid_config") return thrown;
  const message = `Could not connect to ${name}: ${thrownText(thrown)}`;
  return new HawserError("connection_failed", message, { cause: thrown });
}
