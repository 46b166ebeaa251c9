import { assertAttributes, invalidAttribute } from "./attributes.js";
import { encodeBase64 } from "./base64.js";
import { checkDepth } from "./data.js";
import { HawserError } from "./errors.js";
import type { CloudEvent, ExtensionValue, JsonValue } from "./event.js";
import { isJsonContentType } from "./media-type.js";
import { ATTRIBUTE, ENTRY, EVENT, isEventField, TIMESTAMP } from "./protobuf-fields.js";
import { formatTimestamp, type Timestamp } from "./timestamp.js";
import { MalformedWire, WIRE_TYPE, WireReader } from "./wire-reader.js";

const { varint, bytes } = WIRE_TYPE;

type AttributeValue = ExtensionValue | Uint8Array | Timestamp;
type Members = Record<string, ExtensionValue | JsonValue | Uint8Array>;
type Data = { readonly text: string } | { readonly bytes: Uint8Array } | undefined;

/** A field that comes twice counts as it came last, as protobuf has it. Unknown fields are skipped. */
export function decodeProtobuf(frame: Uint8Array): CloudEvent {
  const members: Members = {};
  const data = readFrame(frame, members);
  if (data !== undefined) members["data"] = "bytes" in data ? data.bytes : dataOf(data.text, members);
  assertAttributes(members);
  return members;
}

function readFrame(frame: Uint8Array, members: Members): Data {
  try {
    return readEvent(new WireReader(frame), members);
  } catch (thrown) {
    if (!(thrown instanceof MalformedWire)) throw thrown;
    const message = `the event is not an io.cloudevents.v1.CloudEvent message: ${thrown.message}`;
    throw new HawserError("invalid_event", message, { cause: thrown });
  }
}

function readEvent(reader: WireReader, members: Members): Data {
  let data: Data;
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case EVENT.id * 8 + bytes:
        members["id"] = reader.string();
        break;
      case EVENT.source * 8 + bytes:
        members["source"] = reader.string();
        break;
      case EVENT.specVersion * 8 + bytes:
        members["specversion"] = reader.string();
        break;
      case EVENT.type * 8 + bytes:
        members["type"] = reader.string();
        break;
      case EVENT.attributes * 8 + bytes:
        readEntry(reader, members);
        break;
      case EVENT.binaryData * 8 + bytes:
        data = { bytes: reader.bytes() };
        break;
      case EVENT.textData * 8 + bytes:
        data = { text: reader.string() };
        break;
      case EVENT.protoData * 8 + bytes:
        throw invalidAttribute(
          "proto_data",
          "is not supported; send JSON as text_data or bytes as binary_data",
        );
      default:
        reader.skip(tag);
    }
  }
  return data;
}

function readEntry(reader: WireReader, members: Members): void {
  const outerEnd = reader.enter();
  let name = "";
  let value: AttributeValue | undefined;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === ENTRY.key * 8 + bytes) name = reader.string();
    else if (tag === ENTRY.value * 8 + bytes) value = readAttribute(reader);
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  if (isEventField(name)) throw invalidAttribute(name, "must not be among the attributes");
  if (name === "__proto__") throw invalidAttribute(name, "is not a name an attribute can have");
  if (value === undefined) throw invalidAttribute(name, "has no value of a known type");
  members[name] = inJsonTerms(name, value);
}

function readAttribute(reader: WireReader): AttributeValue | undefined {
  const outerEnd = reader.enter();
  let value: AttributeValue | undefined;
  while (!reader.done) {
    const tag = reader.tag();
    value = readValue(reader, tag) ?? value;
  }
  reader.leave(outerEnd);
  return value;
}

/** Bytes become base64, timestamps RFC 3339 in UTC. */
function inJsonTerms(name: string, value: AttributeValue): ExtensionValue {
  const isTimestamp = typeof value === "object" && "seconds" in value;
  if (name === "time" && !isTimestamp) throw invalidAttribute(name, "must be a ce_timestamp");
  if (typeof value !== "object") return value;
  if (!isTimestamp) return encodeBase64(value);
  const text = formatTimestamp(value);
  if (text === undefined) throw invalidAttribute(name, "is a timestamp outside the years 1 to 9999");
  return text;
}

function readValue(reader: WireReader, tag: number): AttributeValue | undefined {
  switch (tag) {
    case ATTRIBUTE.boolean * 8 + varint:
      return reader.bool();
    case ATTRIBUTE.integer * 8 + varint:
      return reader.int32();
    case ATTRIBUTE.string * 8 + bytes:
    case ATTRIBUTE.uri * 8 + bytes:
    case ATTRIBUTE.uriRef * 8 + bytes:
      return reader.string();
    case ATTRIBUTE.bytes * 8 + bytes:
      return reader.bytes();
    case ATTRIBUTE.timestamp * 8 + bytes:
      return readTimestamp(reader);
    default:
      reader.skip(tag);
      return undefined;
  }
}

function readTimestamp(reader: WireReader): Timestamp {
  const outerEnd = reader.enter();
  let seconds = 0;
  let nanos = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === TIMESTAMP.seconds * 8 + varint) seconds = reader.int64();
    else if (tag === TIMESTAMP.nanos * 8 + varint) nanos = reader.int32();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  return { seconds, nanos };
}

function dataOf(text: string, { datacontenttype }: Members): JsonValue {
  const isJson = typeof datacontenttype !== "string" || isJsonContentType(datacontenttype);
  if (!isJson) return text;
  let data: JsonValue;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    const message = "text_data is not JSON, although datacontenttype says so or is absent";
    throw new HawserError("invalid_event", message, { cause });
  }
  checkDepth(data, text.length);
  return data;
}
