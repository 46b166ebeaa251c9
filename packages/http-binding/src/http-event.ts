import { checkDraft, HawserError, type EventDraft, type JsonValue } from "@hawser/protocol";
import { decodeHeaderValue } from "./header-value.js";
import { BATCH } from "./http-batch.js";
import { HttpError } from "./http-error.js";
import { isJson, isUtf8, isUtf8Text, parseMediaType, type MediaType } from "./media-type.js";
import { decodeText, parseJson } from "./body-text.js";
import { asSent, decodeMembers, STRUCTURED, type FurtherReader } from "./structured-event.js";

const PREFIX = "ce-";

/**
 * Reads an event from a request (CloudEvents HTTP protocol binding 1.0.2), in structured mode as
 * JSON or in binary mode.
 * @param read takes the event as sent by default
 * @throws HawserError as `checkDraft` and `read`; 415 for other formats, charsets and requests
 */
export function decodeHttpEvent(
  headers: Headers,
  body: Uint8Array,
  read: FurtherReader = asSent,
): EventDraft {
  const contentType = headers.get("content-type");
  const mediaType = parseMediaType(contentType);
  if (mediaType.essence === STRUCTURED) return decodeStructured(mediaType, body, read);
  if (mediaType.essence.startsWith("application/cloudevents")) {
    throw unsupported(`${mediaType.essence} is not supported; send ${STRUCTURED}, or ${BATCH} for several`);
  }
  if (!headers.has(`${PREFIX}specversion`)) {
    throw unsupported(
      `this is no CloudEvent: send content-type ${STRUCTURED}, or the attributes as ${PREFIX}* headers`,
    );
  }
  const sent = decodeBinary(headers, contentType, mediaType, body);
  return read(headersOf(sent), undefined, sent);
}

function decodeStructured(mediaType: MediaType, body: Uint8Array, read: FurtherReader): EventDraft {
  if (!isUtf8(mediaType.charset)) throw unsupported("an event in JSON must be in UTF-8");
  const text = decodeText(body, "invalid_event");
  return decodeMembers(parseJson(text, "invalid_event"), text.length, read);
}

function decodeBinary(
  headers: Headers,
  contentType: string | null,
  mediaType: MediaType,
  body: Uint8Array,
): EventDraft {
  const attributes: Record<string, unknown> = {};
  for (const [header, value] of headers) {
    if (!header.startsWith(PREFIX)) continue;
    const name = header.slice(PREFIX.length);
    if (name === "data" || name === "datacontenttype") {
      const where = name === "data" ? "the body" : "the header content-type";
      throw new HawserError("invalid_event", `${header} is not a header of an event; put it into ${where}`);
    }
    // An assignment would not define an attribute `__proto__`, which then escaped the checks.
    Object.defineProperty(attributes, name, { value: decodeHeaderValue(header, value), enumerable: true });
  }
  const data = body.length === 0 ? undefined : decodeData(mediaType, body);
  return checkDraft({
    ...attributes,
    ...(contentType === null ? {} : { datacontenttype: contentType }),
    ...(data === undefined ? {} : { data }),
  });
}

/** The attributes as unencoded headers, for a `FurtherReader`. */
function headersOf({ data: _data, datacontenttype, ...attributes }: EventDraft): Record<string, string> {
  const headers: Record<string, string> =
    datacontenttype === undefined ? {} : { "content-type": datacontenttype };
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "string") headers[`${PREFIX}${name}`] = value;
  }
  return headers;
}

function decodeData(mediaType: MediaType, body: Uint8Array): JsonValue | Uint8Array {
  if (isJson(mediaType)) {
    if (!isUtf8(mediaType.charset)) throw unsupported("data in JSON must be in UTF-8");
    return parseJson(decodeText(body, "invalid_event"), "invalid_event");
  }
  // Not a Buffer, which compares and prints differently.
  return isUtf8Text(mediaType) ? decodeText(body, "invalid_event") : new Uint8Array(body);
}

function unsupported(message: string): HttpError {
  return new HttpError(415, "invalid_event", message, { headers: { accept: STRUCTURED } });
}
