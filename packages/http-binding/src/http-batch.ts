import { HawserError, type EventDraft, type JsonValue } from "@hawser/protocol";
import { HttpError } from "./http-error.js";
import { isUtf8, parseMediaType } from "./media-type.js";
import { decodeText, parseJson } from "./body-text.js";
import { asSent, decodeMembers, type FurtherReader } from "./structured-event.js";

/** The content type of a batch (CloudEvents JSON batch format). */
export const BATCH = "application/cloudevents-batch+json";
/** Events of one batch, which the store commits at once without delaying others. */
export const MAX_BATCH_EVENTS = 1_000;
/** Largest body of a batch in bytes: four of the largest events, or a thousand usual ones. */
export const MAX_BATCH_BYTES = 4_194_304;

export function isBatch(headers: Headers): boolean {
  return parseMediaType(headers.get("content-type")).essence === BATCH;
}

/**
 * Reads a batch, which may be empty (CloudEvents HTTP protocol binding 1.0.2, section 3.3): each
 * item is an event or its error.
 * @throws HawserError `invalid_event` for another value than an array; 413 `event_too_large`
 *   above `MAX_BATCH_EVENTS`; 415 for another charset
 */
export function decodeHttpBatch(
  headers: Headers,
  body: Uint8Array,
  read: FurtherReader = asSent,
): readonly (EventDraft | HawserError)[] {
  if (!isUtf8(parseMediaType(headers.get("content-type")).charset)) {
    throw new HttpError(415, "invalid_event", `send a batch in UTF-8 as ${BATCH}`, {
      headers: { accept: BATCH },
    });
  }
  const text = decodeText(body, "invalid_event");
  const items = parseJson(text, "invalid_event");
  if (!Array.isArray(items)) {
    throw new HawserError("invalid_event", "a batch is a JSON array of events, and this is none");
  }
  if (items.length > MAX_BATCH_EVENTS) {
    const found = `a batch holds at most ${MAX_BATCH_EVENTS} events, and this one ${items.length}`;
    throw new HttpError(413, "event_too_large", `${found}; send several batches`);
  }
  return items.map((item: JsonValue) => decodeItem(item, text.length, read));
}

/** An invalid item does not affect the others. */
function decodeItem(item: JsonValue, encodedLength: number, read: FurtherReader): EventDraft | HawserError {
  try {
    return decodeMembers(item, encodedLength, read);
  } catch (thrown) {
    return HawserError.from(thrown);
  }
}
