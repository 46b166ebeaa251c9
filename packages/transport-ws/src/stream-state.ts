import { ABNORMAL_CLOSURE, HawserError } from "@hawser/protocol";
import { answeredEnd, closedEnd, type ConnectionEnd } from "@hawser/transport";

/** The code `ws` reports for a close frame that carries none. */
const NO_STATUS = 1005;

export type StreamState =
  | { readonly name: "open" }
  /** We closed; the peer's answer is on its way behind what it still sends. */
  | { readonly name: "closing"; readonly code: number; readonly reason: string }
  /** The peer sent what it may not; nothing it sends is delivered any more. */
  | { readonly name: "failing"; readonly code: number; readonly reason: string }
  | { readonly name: "ended" };

/** What the `close` event of `ws` means in the state it came in (RFC 6455, section 7.1.5). */
export function endOfStream(
  state: Exclude<StreamState, { name: "ended" }>,
  code: number,
  reason: string,
  socketError: Error | undefined,
): ConnectionEnd {
  if (state.name === "failing") return closedEnd(state, "local");
  if (code === ABNORMAL_CLOSURE) return { kind: "lost", error: brokenOff(socketError) };
  if (state.name === "open") return answeredEnd(undefined, { code, reason });
  // A close frame without a code answers whatever we said.
  return answeredEnd(state, code === NO_STATUS ? state : { code, reason });
}

function brokenOff(cause: Error | undefined): HawserError {
  const what = cause === undefined ? "" : ` (${cause.message})`;
  return new HawserError("connection_closed", `The connection ended without a close handshake${what}.`, {
    cause,
  });
}
