import { assertAttributes } from "./attributes.js";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { LIMITS } from "./limits.js";
import { checkKey } from "./parse-message.js";

/** Room in a frame for what a codec or a batch adds to an event. */
const FRAME_OVERHEAD_BYTES = 1_024;

/**
 * Why an event may not be sent, although it lies in a mailbox: it was accepted under other rules, or by another implementation. A receiver would close the
 * connection over it, each time it comes (PROTOCOL.md, Sending). Undefined when nothing is wrong; its data is not looked at.
 *
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
