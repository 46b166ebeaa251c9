import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { CloudEvent } from "../event.js";
import { isJsonContentType } from "../media-type.js";
import { formatTimestamp, parseTimestamp } from "../timestamp.js";
import {
  CloudEventBatchSchema,
  CloudEventSchema,
  type CloudEvent as CloudEventMessage,
  type CloudEvent_CloudEventAttributeValue,
} from "./gen/io/cloudevents/v1/cloudevents_pb.js";

// The protobuf format by generated code, put together the obvious way: what the codec is held against.

export function referenceFrame(event: CloudEvent): Uint8Array {
  return toBinary(CloudEventSchema, messageOf(event));
}

export function referenceBatch(events: readonly CloudEvent[]): Uint8Array {
  return toBinary(CloudEventBatchSchema, create(CloudEventBatchSchema, { events: events.map(messageOf) }));
}

export function readReference(frame: Uint8Array): Record<string, unknown> {
  return eventOf(fromBinary(CloudEventSchema, new Uint8Array(frame)));
}

export function readReferenceBatch(message: Uint8Array): Record<string, unknown>[] {
  return fromBinary(CloudEventBatchSchema, new Uint8Array(message)).events.map(eventOf);
}

function messageOf(event: CloudEvent): CloudEventMessage {
  const { id, source, specversion, type, data: _data, ...attributes } = event;
  return create(CloudEventSchema, {
    id,
    source,
    specVersion: specversion,
    type,
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, { attr: attrOf(name, value) }]),
    ),
    data: dataOf(event),
  });
}

function attrOf(name: string, value: unknown): CloudEvent_CloudEventAttributeValue["attr"] {
  if (typeof value === "boolean") return { case: "ceBoolean", value };
  if (typeof value === "number") return { case: "ceInteger", value };
  if (name === "dataschema") return { case: "ceUri", value: String(value) };
  if (name !== "time" && name !== "expirytime") return { case: "ceString", value: String(value) };
  const { seconds = 0, nanos = 0 } = parseTimestamp(String(value)) ?? {};
  return { case: "ceTimestamp", value: create(TimestampSchema, { seconds: BigInt(seconds), nanos }) };
}

function dataOf({ data, datacontenttype }: CloudEvent) {
  if (data === undefined) return { case: undefined };
  if (data instanceof Uint8Array) return { case: "binaryData" as const, value: data };
  const isText = typeof data === "string" && !isJsonContentType(datacontenttype);
  return { case: "textData" as const, value: isText ? data : JSON.stringify(data) };
}

function eventOf({
  id,
  source,
  specVersion,
  type,
  attributes,
  data,
}: CloudEventMessage): Record<string, unknown> {
  const event: Record<string, unknown> = { specversion: specVersion, id, source, type };
  for (const [name, value] of Object.entries(attributes)) event[name] = valueOf(value);
  const contentType = event["datacontenttype"];
  const isJson = isJsonContentType(typeof contentType === "string" ? contentType : undefined);
  if (data.case === "textData") event["data"] = isJson ? JSON.parse(data.value) : data.value;
  if (data.case === "binaryData") event["data"] = data.value;
  return event;
}

function valueOf({ attr }: CloudEvent_CloudEventAttributeValue): unknown {
  if (attr.case === "ceBytes") return Buffer.from(attr.value).toString("base64");
  if (attr.case !== "ceTimestamp") return attr.value;
  return formatTimestamp({ seconds: Number(attr.value.seconds), nanos: attr.value.nanos });
}
