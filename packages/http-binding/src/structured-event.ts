import { checkDraft, eventFromJson, type EventDraft, type JsonValue } from "@hawser/protocol";
import { readThroughSdk } from "./sdk-event.js";

/** The content type of one event in structured mode (CloudEvents JSON format). */
export const STRUCTURED = "application/cloudevents+json";

/**
 * The event in a piece of JSON, such as an item of a batch.
 *
 * @param encodedLength at least the characters it was read from
 * @throws HawserError what `checkDraft` throws
 */
export function decodeMembers(members: JsonValue, encodedLength: number): EventDraft {
  const sent = checkDraft(eventFromJson(members, encodedLength));
  return readThroughSdk({ "content-type": STRUCTURED }, members, sent);
}
