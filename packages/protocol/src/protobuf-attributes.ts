import { invalidAttribute } from "./attributes.js";
import { encodeBase64 } from "./base64.js";
import type { ExtensionValue } from "./event.js";
import type { ProtobufReader } from "./protobuf-reader.js";
import { utf8Length, varintLength, type ProtobufWriter } from "./protobuf-writer.js";
import { formatTimestamp, HIGHEST_NANOS, parseTimestamp, type Timestamp } from "./timestamp.js";

// Field 5 of an event: the map `attributes`, with entries of a name (1) and a value (2).
const ENTRY = 0x2a;
const NAME = 0x0a;
const VALUE = 0x12;
// The alternatives of a value (io.cloudevents.v1.CloudEvent.CloudEventAttributeValue).
const BOOLEAN = 0x08;
const INTEGER = 0x10;
const STRING = 0x1a;
const BYTES = 0x22;
const URI = 0x2a;
const URI_REF = 0x32;
const TIMESTAMP = 0x3a;
const LAST_VALUE_FIELD = 7;
// google.protobuf.Timestamp
const SECONDS = 0x08;
const NANOS = 0x10;

/** Common names. The reader returns these strings instead of a copy for each event. */
const LIKELY_NAMES: readonly string[] = [
  "resourceid",
  "eventid",
  "datacontenttype",
  "subject",
  "time",
  "expirytime",
  "traceparent",
];

/** Writes an attribute with the type CloudEvents gives its name, else that of the value. */
export function writeAttribute(writer: ProtobufWriter, name: string, value: unknown): void {
  switch (typeof value) {
    case "boolean":
      return writeInteger(writer, name, BOOLEAN, value ? 1 : 0);
    case "number":
      if (Number.isInteger(value) && (value | 0) === value) return writeInteger(writer, name, INTEGER, value);
      throw invalidAttribute(name, "must be a 32-bit signed integer");
    case "string":
      if (name === "time" || name === "expirytime") return writeTimestamp(writer, name, value);
      return writeText(writer, name, name === "dataschema" ? URI : STRING, value);
    default:
      throw invalidAttribute(name, "must be a string, an integer or a boolean");
  }
}

function writeText(writer: ProtobufWriter, name: string, tag: number, value: string): void {
  const length = utf8Length(value);
  beginEntry(writer, name, 1 + varintLength(length) + length);
  writer.text(tag, value, length);
}

function writeInteger(writer: ProtobufWriter, name: string, tag: number, value: number): void {
  beginEntry(writer, name, 1 + varintLength(value));
  writer.integer(tag, value);
}

function writeTimestamp(writer: ProtobufWriter, name: string, value: string): void {
  const timestamp = parseTimestamp(value);
  if (timestamp === undefined) throw invalidAttribute(name, "is not an RFC 3339 timestamp");
  const { seconds, nanos } = timestamp;
  // The format omits numbers that are 0.
  const length =
    (seconds === 0 ? 0 : 1 + varintLength(seconds)) + (nanos === 0 ? 0 : 1 + varintLength(nanos));
  beginEntry(writer, name, 1 + varintLength(length) + length);
  writer.header(TIMESTAMP, length);
  if (seconds !== 0) writer.integer(SECONDS, seconds);
  if (nanos !== 0) writer.integer(NANOS, nanos);
}

/** Writes an entry up to its value, which follows and takes `valueLength` bytes. */
function beginEntry(writer: ProtobufWriter, name: string, valueLength: number): void {
  const nameLength = utf8Length(name);
  const named = 1 + varintLength(nameLength) + nameLength;
  writer.header(ENTRY, named + 1 + varintLength(valueLength) + valueLength);
  writer.text(NAME, name, nameLength);
  writer.header(VALUE, valueLength);
}

/** An attribute as in the JSON format (bytes as base64), but with numeric timestamps. */
export interface ReadAttribute {
  readonly name: string;
  readonly value: ExtensionValue | Timestamp | undefined;
}

/** Reads the next field as an entry of the map. */
export function readAttribute(reader: ProtobufReader): ReadAttribute {
  const outer = reader.enter();
  const attribute = readEntry(reader);
  reader.leave(outer);
  return attribute;
}

/** Reads an entry of the map up to the end of the current message. */
export function readEntry(reader: ProtobufReader): ReadAttribute {
  let name = "";
  let value: ReadAttribute["value"];
  while (reader.more) {
    const tag = reader.tag();
    if (tag === NAME) name = reader.text(LIKELY_NAMES);
    else if (tag === VALUE) value = readValue(reader, value);
    else reader.skip(tag, 2);
  }
  return { name, value };
}

/** @param before value of an earlier field of the same message; a field without a value keeps it */
function readValue(reader: ProtobufReader, before: ReadAttribute["value"]): ReadAttribute["value"] {
  let value = before;
  const outer = reader.enter();
  while (reader.more) {
    const tag = reader.tag();
    switch (tag) {
      case BOOLEAN:
        value = reader.bool();
        break;
      case INTEGER:
        value = reader.int32();
        break;
      case STRING:
      case URI:
      case URI_REF:
        value = reader.text();
        break;
      case BYTES:
        value = encodeBase64(reader.bytes());
        break;
      case TIMESTAMP:
        value = readTimestamp(reader, typeof value === "object" ? value : { seconds: 0, nanos: 0 });
        break;
      default:
        reader.skip(tag, LAST_VALUE_FIELD);
    }
  }
  reader.leave(outer);
  return value;
}

function readTimestamp(reader: ProtobufReader, before: Timestamp): Timestamp {
  let { seconds, nanos } = before;
  const outer = reader.enter();
  while (reader.more) {
    const tag = reader.tag();
    if (tag === SECONDS) seconds = reader.int64();
    else if (tag === NANOS) nanos = reader.int32();
    else reader.skip(tag, 2);
  }
  reader.leave(outer);
  return { seconds, nanos };
}

/** The value in terms of the JSON format: timestamps are RFC 3339 in UTC. */
export function attributeValue({ name, value }: ReadAttribute): ExtensionValue {
  if (value === undefined) throw invalidAttribute(name, "has no value of a known type");
  if (typeof value !== "object") {
    if (name === "time") throw invalidAttribute(name, "must be a ce_timestamp");
    return value;
  }
  const text = formatTimestamp(value);
  if (text !== undefined) return text;
  const { nanos } = value;
  throw invalidAttribute(
    name,
    nanos < 0 || nanos > HIGHEST_NANOS
      ? `is a timestamp with nanos of ${nanos}; they must be 0 to ${HIGHEST_NANOS}`
      : "is a timestamp outside the years 1 to 9999",
  );
}
