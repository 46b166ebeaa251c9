import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { assertAttributes, checkAttributeName, invalidAttribute } from "./attributes.js";
import type { Codec } from "./codec.js";
import { checkDepth } from "./data.js";
import { HawserError } from "./errors.js";
import type { CloudEvent, JsonValue } from "./event.js";
import {
  CloudEventSchema,
  type CloudEvent as CloudEventMessage,
} from "./gen/io/cloudevents/v1/cloudevents_pb.js";
import { isJsonContentType } from "./media-type.js";
import { decodeAttribute, encodeAttribute } from "./protobuf-attributes.js";

/**
 * The CloudEvents protobuf format, message `io.cloudevents.v1.CloudEvent` (PROTOCOL.md, Codecs).
 *
 * JSON data travels as `text_data`, text of another content type likewise, bytes as `binary_data`. An event with `proto_data` is refused:
 * its meaning depends on a schema that a peer need not have.
 */
export const protobufCodec: Codec<Uint8Array> = {
  subprotocol: "cloudevents.proto",
  encode: encodeProtobuf,
  decode: decodeProtobuf,
};

function encodeProtobuf(event: CloudEvent): Uint8Array {
  return toBinary(CloudEventSchema, messageOf(event));
}

/** The event as the generated code has it. */
export function messageOf(event: CloudEvent): CloudEventMessage {
  const attributes: CloudEventMessage["attributes"] = {};
  for (const name of Object.keys(event)) {
    if (isField(name) || event[name] === undefined) continue;
    attributes[name] = encodeAttribute(name, event[name]);
  }
  const { id, source, specversion, type } = event;
  const data = encodeData(event);
  // A message is a plain object with its name; `create` would make each a second time.
  return {
    $typeName: "io.cloudevents.v1.CloudEvent",
    id,
    source,
    specVersion: specversion,
    type,
    attributes,
    data,
  };
}

/** True for what has a field of its own in the message, and so may not be in its map of attributes. */
function isField(name: string): boolean {
  return name === "id" || name === "source" || name === "specversion" || name === "type" || name === "data";
}

function encodeData({ data, datacontenttype }: CloudEvent): CloudEventMessage["data"] {
  if (data === undefined) return { case: undefined };
  if (data instanceof Uint8Array) return { case: "binaryData", value: data };
  if (typeof data === "string" && !isJsonContentType(datacontenttype))
    return { case: "textData", value: data };
  return { case: "textData", value: JSON.stringify(data) };
}

function decodeProtobuf(frame: Uint8Array): CloudEvent {
  return eventOf(parseMessageBytes(frame));
}

/** @throws HawserError `invalid_event` naming what is wrong and where */
export function eventOf({ id, source, specVersion, type, attributes, data }: CloudEventMessage): CloudEvent {
  const record: Record<string, unknown> = { specversion: specVersion, id, source, type };
  for (const [name, value] of Object.entries(attributes)) {
    if (isField(name)) throw invalidAttribute(name, "must not be among the attributes");
    // Before anything is stored under it: `__proto__` would be no property.
    checkAttributeName(name);
    record[name] = decodeAttribute(name, value);
  }
  assertAttributes(record);
  if (data.case !== undefined) Object.assign(record, { data: decodeData(data, record.datacontenttype) });
  return record;
}

function parseMessageBytes(frame: Uint8Array): CloudEventMessage {
  try {
    return fromBinary(CloudEventSchema, frame, { readUnknownFields: false });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HawserError(
      "invalid_event",
      `the event is not an io.cloudevents.v1.CloudEvent message: ${why}`,
      {
        cause,
      },
    );
  }
}

type MessageData = Exclude<CloudEventMessage["data"], { case: undefined }>;

function decodeData(data: MessageData, contentType: string | undefined): JsonValue | Uint8Array {
  switch (data.case) {
    case "binaryData":
      // Copied, because the field is a slice of the frame, which it would keep alive.
      return new Uint8Array(data.value);
    case "textData":
      return isJsonContentType(contentType) ? parseData(data.value) : data.value;
    case "protoData":
      throw invalidAttribute(
        "proto_data",
        "is not supported; send JSON as text_data or bytes as binary_data",
      );
  }
}

function parseData(text: string): JsonValue {
  let data: JsonValue;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new HawserError(
      "invalid_event",
      "text_data is not JSON, although datacontenttype says so or is absent",
      {
        cause,
      },
    );
  }
  checkDepth(data, text.length);
  return data;
}
