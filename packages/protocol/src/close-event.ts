import { CONTROL_TYPE_PREFIX } from "./control.js";
import type { ControlEnvelope } from "./control-codec.js";
import { isFields } from "./control-fields.js";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { closeReason, quote } from "./text.js";

/** The type of the last CloudEvent of a gRPC client that ends with another code than 1000. Never seen above the transport. */
export const CLOSE_EVENT_TYPE = `${CONTROL_TYPE_PREFIX}close.v1`;

/** Why a stream ends, for transports that cannot say it in a frame of their own. */
export interface Close {
  /** 1000 to 4999, as in a WebSocket close frame. */
  readonly code: number;
  readonly reason: string;
}

/** The last event of a stream (PROTOCOL.md, Transports). */
export function encodeClose({ code, reason }: Close, envelope: ControlEnvelope): CloudEvent {
  return {
    specversion: "1.0",
    id: envelope.id,
    source: envelope.source,
    type: CLOSE_EVENT_TYPE,
    datacontenttype: "application/json",
    data: { code, reason: closeReason(reason) },
  };
}

/** @throws HawserError `invalid_message` */
export function parseClose({ data }: CloudEvent): Close {
  const { code, reason } = isFields(data) ? data : {};
  if (typeof code !== "number" || !Number.isInteger(code) || code < 1000 || code > 4999) {
    throw new HawserError(
      "invalid_message",
      `field "code" must be an integer of 1000 to 4999, not ${quote(code)}`,
    );
  }
  if (typeof reason !== "string") {
    throw new HawserError("invalid_message", `field "reason" must be a string, not ${quote(reason)}`);
  }
  return { code, reason: closeReason(reason) };
}
