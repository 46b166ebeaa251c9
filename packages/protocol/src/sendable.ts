import { assertAttributes } from "./attributes.js";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { LIMITS } from "./limits.js";
import { checkKey } from "./parse-message.js";

/** Reserve in a frame for the bytes a codec or a batch adds. */
const FRAME_OVERHEAD_BYTES = 1_024;

/**
 * Why a stored event may not be sent (PROTOCOL.md, Sending); undefined when it may. Other rules or
 * another implementation accepted it, and a receiver would close every connection over it. Its data
 * is not checked.
 * @param jsonBytes of the event as JSON
 */
export function sendProblem(event: CloudEvent, jsonBytes: number): HawserError | undefined {
  const most = LIMITS.maxFrameBytes - FRAME_OVERHEAD_BYTES;
  if (jsonBytes > most)
    return new HawserError(
      "event_too_large",
      `the event takes ${jsonBytes} bytes as JSON; a frame holds ${most}`,
    );
  try {
    assertAttributes(event);
    checkKey(event);
  } catch (thrown) {
    return HawserError.from(thrown, "invalid_event");
  }
  return undefined;
}
