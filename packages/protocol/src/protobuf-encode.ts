import { invalidAttribute } from "./attributes.js";
import type { CloudEvent } from "./event.js";
import { isJsonContentType } from "./media-type.js";
import { ATTRIBUTE, ENTRY, EVENT, isEventField, TIMESTAMP } from "./protobuf-fields.js";
import { parseTimestamp, type Timestamp } from "./timestamp.js";
import { lengthPrefixedSize, varintSize, WireWriter } from "./wire-writer.js";

/** An attribute ready to be written: its field of the oneof, its value, and how many bytes that field takes. */
interface Attribute {
  readonly name: string;
  readonly field: number;
  readonly value: string | number | Timestamp;
  /** UTF-8 length of a text, encoded length of a timestamp. */
  readonly length: number;
  readonly size: number;
}

type Data = { readonly text: string; readonly length: number } | { readonly bytes: Uint8Array } | undefined;

/** Sizes come first, so that the frame is allocated once and written front to back. */
export function encodeProtobuf(event: CloudEvent): Uint8Array {
  const { id, source, specversion, type } = event;
  const required = [id, source, specversion, type].map((text) => ({ text, length: Buffer.byteLength(text) }));
  const attributes = Object.keys(event)
    .filter((name) => !isEventField(name) && event[name] !== undefined)
    .map((name) => attributeOf(name, event[name]));
  const data = dataOf(event);

  let size = dataSize(data);
  for (const { length } of required) size += lengthPrefixedSize(length);
  for (const attribute of attributes) size += lengthPrefixedSize(entrySize(attribute));
  const writer = new WireWriter(size);
  required.forEach(({ text, length }, index) => writer.string(index + EVENT.id, text, length));
  for (const attribute of attributes) writeEntry(writer, attribute);
  writeData(writer, data);
  return writer.bytes;
}

/** By the type CloudEvents gives the name, else by the type of the value. */
function attributeOf(name: string, value: unknown): Attribute {
  switch (typeof value) {
    case "boolean":
      return { name, field: ATTRIBUTE.boolean, value: value ? 1 : 0, length: 0, size: 2 };
    case "number":
      return { name, field: ATTRIBUTE.integer, value, length: 0, size: 1 + varintSize(value) };
    case "string":
      return name === "time" || name === "expirytime"
        ? timeAttribute(name, value)
        : textAttribute(name, value);
    default:
      throw invalidAttribute(name, "must be a string, an integer or a boolean");
  }
}

function textAttribute(name: string, value: string): Attribute {
  const length = Buffer.byteLength(value);
  const field = name === "dataschema" ? ATTRIBUTE.uri : ATTRIBUTE.string;
  return { name, field, value, length, size: lengthPrefixedSize(length) };
}

function timeAttribute(name: string, text: string): Attribute {
  const value = parseTimestamp(text);
  if (value === undefined) throw invalidAttribute(name, "is not an RFC 3339 timestamp");
  const { seconds, nanos } = value;
  const length = (seconds === 0 ? 0 : 1 + varintSize(seconds)) + (nanos === 0 ? 0 : 1 + varintSize(nanos));
  return { name, field: ATTRIBUTE.timestamp, value, length, size: lengthPrefixedSize(length) };
}

/** A map entry is a message of a key (names are ASCII) and a value. */
function entrySize({ name, size }: Attribute): number {
  return lengthPrefixedSize(name.length) + lengthPrefixedSize(size);
}

function writeEntry(writer: WireWriter, attribute: Attribute): void {
  const { name, field, value, length, size } = attribute;
  writer.prefix(EVENT.attributes, entrySize(attribute));
  writer.string(ENTRY.key, name, name.length);
  writer.prefix(ENTRY.value, size);
  if (typeof value === "string") return writer.string(field, value, length);
  if (typeof value === "number") return writer.integer(field, value);
  writer.prefix(field, length);
  if (value.seconds !== 0) writer.integer(TIMESTAMP.seconds, value.seconds);
  if (value.nanos !== 0) writer.integer(TIMESTAMP.nanos, value.nanos);
}

function dataOf({ data, datacontenttype }: CloudEvent): Data {
  if (data === undefined) return undefined;
  if (data instanceof Uint8Array) return { bytes: data };
  const isText = typeof data === "string" && !isJsonContentType(datacontenttype);
  const text = isText ? data : JSON.stringify(data);
  return { text, length: Buffer.byteLength(text) };
}

function dataSize(data: Data): number {
  if (data === undefined) return 0;
  return lengthPrefixedSize("bytes" in data ? data.bytes.length : data.length);
}

function writeData(writer: WireWriter, data: Data): void {
  if (data === undefined) return;
  if ("bytes" in data) writer.raw(EVENT.binaryData, data.bytes);
  else writer.string(EVENT.textData, data.text, data.length);
}
