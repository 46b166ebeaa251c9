import { CONTROL_TYPE_PREFIX, type Ack, type ControlMessage } from "./control.js";
import { HawserError } from "./errors.js";
import type { CloudEvent, JsonValue } from "./event.js";
import { LIMITS } from "./limits.js";
import { cutText } from "./text.js";

/** The attributes that CloudEvents requires besides the type. */
export interface ControlEnvelope {
  /** Unique within `source`. */
  readonly id: string;
  /** The sender: the agent or the principal. */
  readonly source: string;
}

/**
 * The CloudEvent of a control message (PROTOCOL.md, Control messages). Free text that is too long
 * is cut.
 * @throws HawserError `invalid_state` for an ACK of no event or of more than
 *   `LIMITS.maxAcksPerFrame`
 */
export function encodeControl(message: ControlMessage, envelope: ControlEnvelope): CloudEvent {
  return {
    specversion: "1.0",
    id: envelope.id,
    source: envelope.source,
    type: `${CONTROL_TYPE_PREFIX}${message.type}.v1`,
    datacontenttype: "application/json",
    data: dataOf(message),
  };
}

function dataOf(message: ControlMessage): JsonValue {
  switch (message.type) {
    case "ack":
      if (message.acks.length < 1 || message.acks.length > LIMITS.maxAcksPerFrame) {
        throw new HawserError(
          "invalid_state",
          `an ACK frame carries 1 to ${LIMITS.maxAcksPerFrame} keys, not ${message.acks.length}`,
        );
      }
      return ackData(message);
    case "heartbeat":
      return { settled: message.settled };
    case "goodbye_ack":
      return {};
    case "nack":
    case "refuse": {
      const { type: _, ...data } = message;
      return { ...data, message: cutText(message.message, LIMITS.maxMessageLength) };
    }
    case "drain": {
      const { type: _, ...data } = message;
      return { ...data, reason: cutText(message.reason, LIMITS.maxReasonLength) };
    }
    case "hello":
    case "welcome": {
      const { type: _, known, ...rest } = message;
      const data = { ...rest, software: cutText(message.software, LIMITS.maxReasonLength) };
      return known === undefined ? data : { ...data, known: { ...known } };
    }
    case "goodbye":
      return { reason: message.reason };
  }
}

function ackData({ acks, recorded }: Ack): JsonValue {
  const keys = acks.map(({ resourceid, eventid }) => ({ resourceid, eventid }));
  return recorded === undefined ? { acks: keys } : { acks: keys, recorded };
}
