import type { Http2Session } from "node:http2";
import { HawserError } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";

/** What is needed of an HTTP/2 connection to keep it alive. */
export type PingedSession = Pick<Http2Session, "closed" | "destroyed" | "ping" | "once">;

/**
 * Pings the other end of an HTTP/2 connection until it is closed, so that what watches idle connections in between lets it be, and so that
 * a dead one is found out: `onDead` runs when a ping has not been answered by the time the next is due.
 *
 * @param intervalMs 0 for never
 */
export function keepAlive(
  session: PingedSession,
  intervalMs: number,
  timers: Timers,
  onDead: (error: HawserError) => void,
): void {
  if (intervalMs === 0) return;
  let isAnswered = true;
  const next = (): void => {
    if (session.destroyed || session.closed) return;
    if (!isAnswered) {
      return onDead(new HawserError("timeout", `The peer left a PING unanswered for ${intervalMs} ms.`));
    }
    isAnswered = false;
    session.ping((error) => {
      isAnswered = error === null;
    });
    timer = timers.after(intervalMs, next);
  };
  let timer = timers.after(intervalMs, next);
  session.once("close", () => timer.cancel());
}
