import type { CloudEvent } from "./event.js";

/** Turns one CloudEvent into one frame and back. Decoding checks the CloudEvents rules and the limits, nothing of Hawser's own. */
export interface Codec<Frame extends string | Uint8Array = string | Uint8Array> {
  /** The WebSocket subprotocol of the CloudEvents WebSocket binding. */
  readonly subprotocol: "cloudevents.json" | "cloudevents.proto";
  encode(event: CloudEvent): Frame;
  /** @throws HawserError `invalid_event` naming what is wrong and where; with the key of the event (`nackKey`) where it is one that can be answered */
  decode(frame: Frame): CloudEvent;
}
