import type { CloudEvent } from "./event.js";

/** One CloudEvent as one frame. `decode` checks the rules and limits of CloudEvents only. */
export interface Codec<Frame extends string | Uint8Array = string | Uint8Array> {
  /** The WebSocket subprotocol of the CloudEvents WebSocket binding. */
  readonly subprotocol: "cloudevents.json" | "cloudevents.proto";
  encode(event: CloudEvent): Frame;
  /** @throws HawserError `invalid_event`, with the event's key (`nackKey`) where possible */
  decode(frame: Frame): CloudEvent;
}
