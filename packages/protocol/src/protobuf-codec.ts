import { assertAttributes, checkAttributeName, invalidAttribute } from "./attributes.js";
import type { Codec } from "./codec.js";
import { checkDepth } from "./data.js";
import { HawserError } from "./errors.js";
import type { CloudEvent, ExtensionValue, JsonValue } from "./event.js";
import { parseExactJson } from "./exact-json.js";
import { LIMITS } from "./limits.js";
import { isJsonContentType } from "./media-type.js";
import { attributeValue, readAttribute, readEntry, writeAttribute } from "./protobuf-attributes.js";
import { namedRefusal, type EventNames } from "./named-refusal.js";
import { ProtobufReader } from "./protobuf-reader.js";
import { ProtobufWriter, utf8Length } from "./protobuf-writer.js";

/**
 * The CloudEvents protobuf format, message `io.cloudevents.v1.CloudEvent` (PROTOCOL.md, Codecs).
 *
 * JSON and other text travel as `text_data`, bytes as `binary_data`. `proto_data` is refused: its
 * meaning depends on a schema that a peer need not have.
 */
export const protobufCodec: Codec<Uint8Array> = {
  subprotocol: "cloudevents.proto",
  encode: encodeProtobuf,
  decode: decodeProtobuf,
};

// Tags: field number times 8, plus 2 for a field with a length.
const ID = 0x0a;
const SOURCE = 0x12;
const SPEC_VERSION = 0x1a;
const TYPE = 0x22;
const ATTRIBUTES = 0x2a;
const BINARY_DATA = 0x32;
const TEXT_DATA = 0x3a;
const PROTO_DATA = 0x42;
const LAST_FIELD = 8;

/** Optional attributes that CloudEvents and Hawser define. `LIMITS.maxExtensions` come on top. */
const NAMED_ATTRIBUTES = 7;
const SPEC_VERSIONS: readonly string[] = ["1.0"];
/** Estimated bytes of tags and lengths, of all fields and of each attribute. */
const FIELDS_OVERHEAD = 32;
const ATTRIBUTE_OVERHEAD = 12;

function encodeProtobuf(event: CloudEvent): Uint8Array {
  const data = encodedData(event);
  const writer = new ProtobufWriter(likelyLength(event, data));
  writeFields(writer, event, data);
  return writer.finish();
}

export function writeEvent(writer: ProtobufWriter, event: CloudEvent): void {
  writeFields(writer, event, encodedData(event));
}

function encodedData({ data, datacontenttype }: CloudEvent): string | Uint8Array | undefined {
  if (data === undefined || data instanceof Uint8Array) return data;
  if (typeof data === "string" && !isJsonContentType(datacontenttype)) return data;
  return JSON.stringify(data);
}

/** Exact for ASCII. */
function likelyLength(event: CloudEvent, data: string | Uint8Array | undefined): number {
  let length = FIELDS_OVERHEAD + (data?.length ?? 0);
  for (const name in event) {
    const value = event[name];
    if (name !== "data")
      length += ATTRIBUTE_OVERHEAD + name.length + (typeof value === "string" ? value.length : 0);
  }
  return length;
}

function writeFields(writer: ProtobufWriter, event: CloudEvent, data: string | Uint8Array | undefined): void {
  writeText(writer, ID, event.id);
  writeText(writer, SOURCE, event.source);
  writeText(writer, SPEC_VERSION, event.specversion);
  writeText(writer, TYPE, event.type);
  for (const name of Object.keys(event)) {
    if (isField(name) || event[name] === undefined) continue;
    writeAttribute(writer, name, event[name]);
  }
  if (data instanceof Uint8Array) writer.bytes(BINARY_DATA, data);
  else if (data !== undefined) writer.text(TEXT_DATA, data, utf8Length(data));
}

/** The format omits empty text. */
function writeText(writer: ProtobufWriter, tag: number, value: string): void {
  if (value !== "") writer.text(tag, value, utf8Length(value));
}

/** True for attributes with a field of their own, which the map must not contain. */
function isField(name: string): boolean {
  return name === "id" || name === "source" || name === "specversion" || name === "type" || name === "data";
}

function decodeProtobuf(frame: Uint8Array): CloudEvent {
  try {
    return readEvent(new ProtobufReader(frame));
  } catch (thrown) {
    throw namedRefusal(thrown, namesIn(new ProtobufReader(frame)));
  }
}

/** The names in a refused event, for the answer; other fields are skipped. */
export function namesIn(reader: ProtobufReader): EventNames | undefined {
  const names: { type?: string; resourceid?: unknown; eventid?: unknown } = {};
  try {
    while (reader.more) {
      const tag = reader.tag();
      if (tag === TYPE) names.type = reader.text();
      else if (tag === ATTRIBUTES) readName(reader.message(), names);
      else reader.skip(tag, 0);
    }
  } catch {
    return undefined;
  }
  return names;
}

function readName(reader: ProtobufReader, names: { resourceid?: unknown; eventid?: unknown }): void {
  try {
    const { name, value } = readEntry(reader);
    if (name === "resourceid" || name === "eventid") names[name] = value;
  } catch {
    // The event may be refused for another attribute.
  }
}

/** Reads the fields of an event up to the end of the current message. */
export function readEvent(reader: ProtobufReader): CloudEvent {
  const record: Record<string, ExtensionValue> = { specversion: "", id: "", source: "", type: "" };
  let data: string | Uint8Array | undefined;
  let attributes = 0;
  while (reader.more) {
    const tag = reader.tag();
    switch (tag) {
      case ID:
        record.id = reader.text();
        break;
      case SOURCE:
        record.source = reader.text();
        break;
      case SPEC_VERSION:
        record.specversion = reader.text(SPEC_VERSIONS);
        break;
      case TYPE:
        record.type = reader.text();
        break;
      case ATTRIBUTES:
        attributes += 1;
        setAttribute(record, reader, attributes);
        break;
      case BINARY_DATA:
        data = reader.bytes();
        break;
      case TEXT_DATA:
        data = reader.text();
        break;
      case PROTO_DATA:
        throw invalidAttribute(
          "proto_data",
          "is not supported; send JSON as text_data or bytes as binary_data",
        );
      default:
        reader.skip(tag, LAST_FIELD);
    }
  }
  assertAttributes(record);
  if (data !== undefined) Object.assign(record, { data: decodedData(data, record.datacontenttype) });
  return record;
}

function setAttribute(record: Record<string, ExtensionValue>, reader: ProtobufReader, count: number): void {
  const attribute = readAttribute(reader);
  const { name } = attribute;
  if (isField(name)) throw invalidAttribute(name, "must not be among the attributes");
  // Refused before the assignment, which would not create a property. Other names are checked
  // later.
  if (name === "__proto__") checkAttributeName(name);
  // A frame may contain a hundred thousand attributes; store no more than an event may have.
  if (count > LIMITS.maxExtensions + NAMED_ATTRIBUTES) {
    throw new HawserError("invalid_event", `the event has more than ${count - 1} attributes`);
  }
  record[name] = attributeValue(attribute);
}

function decodedData(data: string | Uint8Array, contentType: string | undefined): JsonValue | Uint8Array {
  return data instanceof Uint8Array || !isJsonContentType(contentType) ? data : parseData(data);
}

function parseData(text: string): JsonValue {
  let data: JsonValue;
  try {
    data = parseExactJson(text);
  } catch (cause) {
    if (cause instanceof HawserError) throw cause;
    throw new HawserError(
      "invalid_event",
      "text_data is not JSON, although datacontenttype says so or is absent",
      { cause },
    );
  }
  checkDepth(data, text.length);
  return data;
}
