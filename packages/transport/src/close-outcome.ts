import { isCleanClose } from "@hawser/protocol";
import type { ConnectionEnd } from "./connection.js";

/** A code and what goes with it, as one side says it. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** The end of a connection whose close handshake took place. */
export function closedEnd({ code, reason }: Close, by: "local" | "peer"): ConnectionEnd {
  return { kind: "closed", clean: isCleanClose(code), code, reason, by };
}

/**
 * What the peer's close means for this side.
 *
 * @param own what was said here first, if anything was
 */
export function answeredEnd(own: Close | undefined, peers: Close): ConnectionEnd {
  // An answer repeats our code; another one means that the peer closed for a reason of its own at the same time, and that is news.
  return own?.code === peers.code ? closedEnd(own, "local") : closedEnd(peers, "peer");
}
