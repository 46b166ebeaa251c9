import { HawserError, thrownText } from "@hawser/protocol";
import type { Timer, Timers } from "@hawser/runtime";
import type { Attempt } from "./attempt.js";

/**
 * How long one attempt has the line to itself before the next address is tried beside it: what
 * RFC 8305, section 5, recommends.
 */
export const ATTEMPT_DELAY_MS = 250;

/**
 * Connects to the first of several addresses that answers. No attempt is given up for being slow:
 * the next address is tried beside it after `ATTEMPT_DELAY_MS`, or at once when one has failed, so
 * that a slow first address and a dead second one still lead to a connection.
 *
 * @throws HawserError `connection_failed` naming what each address said; `aborted`
 */
export function connectFirst<Socket>(
  addresses: readonly string[],
  connect: (address: string) => Attempt<Socket>,
  { timers, signal }: { readonly timers: Timers; readonly signal?: AbortSignal | undefined },
): Promise<{ readonly socket: Socket; readonly address: string }> {
  return new Promise((resolve, reject) => {
    const waiting = [...addresses];
    const running = new Set<Attempt<Socket>>();
    const failures: { readonly address: string; readonly error: unknown }[] = [];
    let timer: Timer | undefined;
    let isOver = false;

    const finish = (winner?: Attempt<Socket>): boolean => {
      if (isOver) return false;
      isOver = true;
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
      for (const attempt of running) if (attempt !== winner) attempt.abandon();
      return true;
    };
    const onAbort = (): void => {
      if (finish()) reject(new HawserError("aborted", "Connecting was given up.", { cause: signal?.reason }));
    };
    const tryNext = (): void => {
      timer?.cancel();
      const address = waiting.shift();
      if (address === undefined) {
        if (running.size === 0 && finish()) reject(allFailed(failures));
        return;
      }
      // Some addresses are refused before anything is tried.
      const attempt = attempted(() => connect(address));
      running.add(attempt);
      timer = timers.after(ATTEMPT_DELAY_MS, tryNext);
      attempt.connected.then(
        (socket) => {
          if (finish(attempt)) resolve({ socket, address });
        },
        (error: unknown) => {
          running.delete(attempt);
          failures.push({ address, error });
          if (!isOver) tryNext();
        },
      );
    };

    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener("abort", onAbort);
    tryNext();
  });
}

function attempted<Socket>(connect: () => Attempt<Socket>): Attempt<Socket> {
  try {
    return connect();
  } catch (thrown) {
    return { connected: Promise.reject(HawserError.from(thrown, "connection_failed")), abandon: () => {} };
  }
}

function allFailed(failures: readonly { readonly address: string; readonly error: unknown }[]): HawserError {
  const [first] = failures;
  const said = failures.map(({ address, error }) => `${address}: ${thrownText(error)}`).join("; ");
  return new HawserError("connection_failed", said || "the name has no address", { cause: first?.error });
}
