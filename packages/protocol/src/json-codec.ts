import { assertAttributes, invalidAttribute } from "./attributes.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import type { Codec } from "./codec.js";
import { isFields, type Fields } from "./control-fields.js";
import { checkDataKind, checkDepth } from "./data.js";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { parseExactJson } from "./exact-json.js";
import { namedRefusal, type EventNames } from "./named-refusal.js";

/** The CloudEvents JSON format 1.0.2, structured mode (PROTOCOL.md, Codecs). */
export const jsonCodec: Codec<string> = {
  subprotocol: "cloudevents.json",
  encode: encodeJson,
  decode: decodeJson,
};

function encodeJson(event: CloudEvent): string {
  const { data } = event;
  if (!(data instanceof Uint8Array)) return JSON.stringify(event);
  return JSON.stringify({ ...event, data: undefined, data_base64: encodeBase64(data) });
}

function decodeJson(frame: string): CloudEvent {
  try {
    return eventFromJson(parseJson(frame), frame.length);
  } catch (thrown) {
    throw namedRefusal(thrown, namesIn(frame));
  }
}

/** The names in a refused frame, for the answer. */
function namesIn(frame: string): EventNames | undefined {
  try {
    const value: unknown = JSON.parse(frame);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The event in parsed JSON, such as an item of a batch (CloudEvents JSON format 1.0.2, section 4).
 * @param encodedLength at least the number of characters it was read from
 * @throws HawserError `invalid_event`
 */
export function eventFromJson(value: unknown, encodedLength: number): CloudEvent {
  if (!isFields(value)) throw new HawserError("invalid_event", "the event is not a JSON object");
  const members = withoutUnset(value);
  const record = "data_base64" in members ? withBytes(members) : members;
  assertAttributes(record);
  const { data } = record;
  if (data !== undefined && !(data instanceof Uint8Array)) {
    checkDataKind(data, record.datacontenttype);
    checkDepth(data, encodedLength);
  }
  return record;
}

function parseJson(frame: string): unknown {
  try {
    return parseExactJson(frame);
  } catch (cause) {
    if (cause instanceof HawserError) throw cause;
    throw new HawserError("invalid_event", "the event is not JSON", { cause });
  }
}

/** A null attribute counts as unset (CloudEvents JSON format, section 2.2); null is valid data. */
function withoutUnset(members: Fields): Fields {
  for (const name in members) {
    if (members[name] !== null || name === "data") continue;
    return Object.fromEntries(
      Object.entries(members).filter(([key, value]) => value !== null || key === "data"),
    );
  }
  return members;
}

function withBytes(members: Fields): Fields {
  const { data_base64: encoded, ...record } = members;
  if ("data" in record) throw invalidAttribute("data_base64", "and data exclude each other");
  if (typeof encoded !== "string") throw invalidAttribute("data_base64", "must be a string");
  const data = decodeBase64(encoded);
  if (data === undefined) throw invalidAttribute("data_base64", "is not base64 (RFC 4648, with padding)");
  return { ...record, data };
}
