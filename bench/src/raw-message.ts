import { jsonCodec, protobufCodec, type CloudEvent } from "@hawser/protocol";
import { EventSource } from "./payload.js";

/** What raw transports carry: the same event as Hawser's, with a version. */
export function rawEvent(source: EventSource, version: number): CloudEvent {
  return { ...source.next(), eventid: String(version) };
}

/** Bytes of one event as each codec writes it, for the report. */
export function eventSizes(): { readonly json: number; readonly protobuf: number } {
  const event = rawEvent(new EventSource(1), 1);
  return { json: Buffer.byteLength(jsonCodec.encode(event)), protobuf: protobufCodec.encode(event).length };
}
