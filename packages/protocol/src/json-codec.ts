import { assertAttributes, invalidAttribute } from "./attributes.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import type { Codec } from "./codec.js";
import { checkDataKind, checkDepth } from "./data.js";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";

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
  const members = withoutUnset(parseObject(frame));
  const record = "data_base64" in members ? withBytes(members) : members;
  assertAttributes(record);
  const { data } = record;
  if (data !== undefined && !(data instanceof Uint8Array)) {
    checkDataKind(data, record.datacontenttype);
    checkDepth(data, frame.length);
  }
  return record;
}

function parseObject(frame: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch (cause) {
    throw new HawserError("invalid_event", "the event is not JSON", { cause });
  }
  if (!isObject(value)) throw new HawserError("invalid_event", "the event is not a JSON object");
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An attribute that is null counts as unset (CloudEvents JSON format, section 2.2); data may well be null. */
function withoutUnset(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  for (const name in members) {
    if (members[name] !== null || name === "data") continue;
    return Object.fromEntries(
      Object.entries(members).filter(([key, value]) => value !== null || key === "data"),
    );
  }
  return members;
}

function withBytes(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { data_base64: encoded, ...record } = members;
  if ("data" in record) throw invalidAttribute("data_base64", "and data exclude each other");
  if (typeof encoded !== "string") throw invalidAttribute("data_base64", "must be a string");
  const data = decodeBase64(encoded);
  if (data === undefined) throw invalidAttribute("data_base64", "is not base64 (RFC 4648, with padding)");
  return { ...record, data };
}
