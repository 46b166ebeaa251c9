import { CONTROL_TYPE_PREFIX } from "./control.js";
import type { ControlEnvelope } from "./control-codec.js";
import { integer, isFields, text } from "./control-fields.js";
import type { CloudEvent } from "./event.js";
import { LIMITS } from "./limits.js";
import { closeReason } from "./text.js";

/** Type of a gRPC client's last CloudEvent when its close code is not 1000. */
export const CLOSE_EVENT_TYPE = `${CONTROL_TYPE_PREFIX}close.v1`;

/** Code and reason of a close, for a transport without a close frame. */
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
  const fields = isFields(data) ? data : {};
  const code = integer(fields, "code", 1000, 4999);
  return { code, reason: closeReason(text(fields, "reason", LIMITS.maxReasonLength)) };
}
