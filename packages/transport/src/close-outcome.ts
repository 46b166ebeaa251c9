import { type HawserError, isCleanClose } from "@hawser/protocol";
import type { ConnectionEnd } from "./connection.js";

/** A close code and its reason. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** The state of a connection; `ConnectionCore` is in one of these. */
export type ConnectionState =
  /** Nothing. This side sends, and delivers what comes. */
  | { readonly name: "open" }
  /** This side closed. It sends no more, and delivers what the peer sends before its own close. */
  | { readonly name: "closing"; readonly close: Close }
  /**
   * The peer broke the protocol, and this side closed for it unless it had closed before. Nothing
   * is sent or delivered. The peer's close, or the end of its bytes, ends the connection as closed.
   */
  | { readonly name: "failing"; readonly close: Close }
  /** Its owner has been told, or will be when it opens the connection. */
  | { readonly name: "ended" };

/** The end of a connection whose close handshake took place. */
export function closedEnd({ code, reason }: Close, by: "local" | "peer"): ConnectionEnd {
  return { kind: "closed", clean: isCleanClose(code), code, reason, by };
}

/** The end that follows from the peer's close. */
export function answeredEnd(state: ConnectionState, peers: Close): ConnectionEnd {
  // A bad frame is why the connection ends, whatever the peer makes of it.
  if (state.name === "failing") return closedEnd(state.close, "local");
  // An answer repeats our code; another one means that the peer closed for a reason of its own at
  // the same time, and that is news.
  if (state.name === "closing" && state.close.code === peers.code) return closedEnd(state.close, "local");
  return closedEnd(peers, "peer");
}

/** The end of a connection whose bytes stopped without a close of the peer. */
export function brokenEnd(state: ConnectionState, error: HawserError): ConnectionEnd {
  return state.name === "failing" ? closedEnd(state.close, "local") : { kind: "lost", error };
}
