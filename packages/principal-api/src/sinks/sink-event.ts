import type { CloudEvent as PlainEvent } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import { CloudEvent, HTTP } from "cloudevents";
import { LOG_ATTRIBUTES, type RecordedEvent } from "../event-log/recorded-event.js";

/** The event as sinks get it: what the agent sent, with who sent it and where the log has it. */
export function sinkEvent({ agent, position, recordedAt, event }: RecordedEvent): PlainEvent {
  return {
    ...event,
    [LOG_ATTRIBUTES.agent]: agent,
    [LOG_ATTRIBUTES.position]: String(position),
    [LOG_ATTRIBUTES.recordedAt]: new Date(recordedAt).toISOString(),
  };
}

/**
 * The members of an event in the JSON format (CloudEvents 1.0.2), written by the SDK of CloudEvents.
 *
 * The SDK (10.0.0) alters what it is given, so this sets it right; `sink-event.test.ts` tells when a reason is gone:
 * - `time` is cut to milliseconds, and made up where there is none;
 * - `datacontentencoding` and `schemaurl` are attributes of version 0.3 to it, and written as `null` or lost.
 */
export function jsonMembers(event: PlainEvent): Record<string, unknown> {
  const { time, data, ...rest } = event;
  const members: Record<string, unknown> = { ...new CloudEvent<unknown>({ ...rest, data }).toJSON() };
  delete members["time"];
  if (time !== undefined) members["time"] = time;
  // Bytes are in `data_base64`, empty ones as well.
  if (data instanceof Uint8Array) {
    delete members["data"];
    members["data_base64"] = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  }
  return members;
}

/** An event as a request in binary mode. */
export interface BinaryMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/**
 * An event with its attributes as headers and its data as the body (CloudEvents HTTP protocol binding 1.0.2, section 3.1), by the SDK of CloudEvents.
 *
 * The SDK (10.0.0) leaves these to its caller:
 * - characters outside printable ASCII, quotes and percent signs are not encoded as section 3.1.3.2 has it;
 * - `time` as in `jsonMembers`;
 * - data in JSON that are a text, a number or the like are sent as they are, and are no JSON then;
 * - where there is no `datacontenttype`, it says JSON, of bytes as well.
 */
export function binaryMessage(event: PlainEvent): BinaryMessage {
  const { time, data, ...rest } = event;
  const { datacontenttype } = event;
  const message = HTTP.binary(new CloudEvent<unknown>(rest));
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers))
    if (name.startsWith("ce-") && name !== "ce-time" && value !== undefined)
      headers[name] = encodeHeaderValue(String(value));
  if (time !== undefined) headers["ce-time"] = encodeHeaderValue(time);
  const type =
    datacontenttype ?? (data === undefined || data instanceof Uint8Array ? undefined : "application/json");
  if (type !== undefined) headers["content-type"] = type;
  return { headers, body: bodyOf(data, type) };
}

function bodyOf(data: PlainEvent["data"], type: string | undefined): string | Uint8Array {
  if (data === undefined) return "";
  if (data instanceof Uint8Array) return data;
  const isText = typeof data === "string" && type !== undefined && !/^[^;]*[/+]json\s*(?:;|$)/i.test(type);
  return isText ? data : JSON.stringify(data);
}

/** Percent-encoded: space, double quote, percent sign, and everything outside printable ASCII. */
function encodeHeaderValue(value: string): string {
  return value.replaceAll(/[^\x21\x23\x24\x26-\x7e]+/gu, (text) =>
    Array.from(
      Buffer.from(text, "utf8"),
      (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    ).join(""),
  );
}

/** What a sink is tested with: an event that no agent sent, and that no log holds. */
export function testEvent({ clock, random }: Pick<Runtime, "clock" | "random">): RecordedEvent {
  const recordedAt = clock.wallTime();
  return {
    position: 0,
    agent: "hawser",
    recordedAt,
    bytes: 0,
    event: {
      specversion: "1.0",
      id: random.uuid(),
      source: "hawser/sinks",
      type: "hawser.sink.test.v1",
      time: new Date(recordedAt).toISOString(),
      resourceid: "test_1",
      eventid: "1",
      datacontenttype: "application/json",
      data: { message: "a test of this sink: nothing happened" },
    },
  };
}
