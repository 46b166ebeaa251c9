import { checkDraft, eventFromJson, type EventDraft, type JsonValue } from "@hawser/protocol";

/** The content type of one event in structured mode (CloudEvents JSON format). */
export const STRUCTURED = "application/cloudevents+json";

/**
 * A further reader of an event that was found to be a good one, such as the SDK of CloudEvents: what it answers is what is taken. It may refuse.
 *
 * @param headers without any encoding
 * @param body the event as JSON in structured mode; undefined where the headers say all but its data
 */
export type FurtherReader = (
  headers: Readonly<Record<string, string>>,
  body: JsonValue | undefined,
  event: EventDraft,
) => EventDraft;

/** Takes the event as it was sent. */
export const asSent: FurtherReader = (_headers, _body, event) => event;

/**
 * The event in a piece of JSON, such as an item of a batch.
 *
 * @param encodedLength at least the characters it was read from
 * @throws HawserError what `checkDraft` throws
 */
export function decodeMembers(members: JsonValue, encodedLength: number, read: FurtherReader): EventDraft {
  const sent = checkDraft(eventFromJson(members, encodedLength));
  return read({ "content-type": STRUCTURED }, members, sent);
}
