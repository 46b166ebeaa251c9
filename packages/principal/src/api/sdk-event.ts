import { HTTP, type CloudEvent as SdkEvent } from "cloudevents";

/** The attributes of a request, by name, and its data where it has any. */
export type SentEvent = Readonly<Record<string, unknown>>;

const STRUCTURED = { "content-type": "application/cloudevents+json" };

/**
 * Reads an event in the JSON format through the SDK of CloudEvents.
 *
 * @param members the JSON object, whose `data_base64` must be base64
 * @throws what the SDK throws
 */
export function readStructured(members: SentEvent): SentEvent {
  // A copy, because the SDK's constructor gives what it reads to whoever asks for the properties of the event.
  return asSent(one(HTTP.toEvent({ headers: STRUCTURED, body: { ...members } })), members);
}

/**
 * Reads an event from headers through the SDK; its data is not in them.
 *
 * @param headers `ce-*` and `content-type`, decoded
 * @throws what the SDK throws
 */
export function readBinary(headers: Readonly<Record<string, string>>): SentEvent {
  const sent = Object.fromEntries(
    Object.entries(headers).map(([header, value]) => [
      header === "content-type" ? "datacontenttype" : header.replace(/^ce-/, ""),
      value,
    ]),
  );
  return asSent(one(HTTP.toEvent({ headers: { ...headers }, body: undefined })), sent);
}
