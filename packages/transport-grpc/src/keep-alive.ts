import type { Http2Session } from "node:http2";
import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";

/** What is needed of an HTTP/2 connection to keep it alive. */
export type PingedSession = Pick<Http2Session, "closed" | "destroyed" | "ping" | "once">;

export interface KeepAliveParts {
  /** 0 for never. */
  readonly intervalMs: number;
  readonly timers: Timers;
  /** All that was ever read from the connection. */
  readonly bytesRead: () => number;
  readonly onDead: (error: HawserError) => void;
}

/**
 * Pings the other end of an HTTP/2 connection until it is closed, so that what watches idle connections in between lets it be, and so that
 * a dead one is found out: `onDead` runs when an interval has passed behind a ping without its answer, or anything else, having come.
 *
 * On a slow line a ping and its answer wait behind everything sent before them, for longer than any interval; whatever else arrives meanwhile
 * proves as well that the other end is there.
 */
export function keepAlive(
  session: PingedSession,
  { intervalMs, timers, bytesRead, onDead }: KeepAliveParts,
): void {
  if (intervalMs === 0) return;
  let isAnswered = true;
  let readBefore = 0;
  const next = (): void => {
    if (session.destroyed || session.closed) return;
    const read = bytesRead();
    if (!isAnswered && read === readBefore) {
      return onDead(new HawserError("timeout", `The peer left a PING unanswered for ${intervalMs} ms.`));
    }
    readBefore = read;
    if (isAnswered) {
      isAnswered = false;
      session.ping((error) => {
        isAnswered = error === null;
      });
    }
    timer = timers.after(intervalMs, next);
  };
  let timer = timers.after(intervalMs, next);
  session.once("close", () => timer.cancel());
}

/** What a socket has read, whoever reads it; 0 for a stream that does not count. */
export function bytesReadFrom(socket: Duplex): number {
  return "bytesRead" in socket && typeof socket.bytesRead === "number" ? socket.bytesRead : 0;
}
