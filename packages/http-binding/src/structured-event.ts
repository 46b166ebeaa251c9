import { checkDraft, eventFromJson, type EventDraft, type JsonValue } from "@hawser/protocol";

/** The content type of one event in structured mode (CloudEvents JSON format). */
export const STRUCTURED = "application/cloudevents+json";

/**
 * A second reader of a valid event, such as the CloudEvents SDK. Its result replaces the event; it
 * may throw.
 * @param headers without any encoding
 * @param body the event as JSON in structured mode; undefined in binary mode
 */
export type FurtherReader = (
  headers: Readonly<Record<string, string>>,
  body: JsonValue | undefined,
  event: EventDraft,
) => EventDraft;

/** Takes the event as it was sent. */
export const asSent: FurtherReader = (_headers, _body, event) => event;

/**
 * The event in parsed JSON, such as an item of a batch.
 * @throws HawserError as `checkDraft`
 * @param encodedLength at least the number of characters it was read from
 */
export function decodeMembers(members: JsonValue, encodedLength: number, read: FurtherReader): EventDraft {
  const sent = checkDraft(eventFromJson(members, encodedLength));
  return read({ "content-type": STRUCTURED }, members, sent);
}
