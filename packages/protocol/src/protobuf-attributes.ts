import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { invalidAttribute } from "./attributes.js";
import { encodeBase64 } from "./base64.js";
import type { ExtensionValue } from "./event.js";
import type { CloudEvent_CloudEventAttributeValue } from "./gen/io/cloudevents/v1/cloudevents_pb.js";
import { formatTimestamp, parseTimestamp } from "./timestamp.js";

type AttributeValue = CloudEvent_CloudEventAttributeValue;

/** An attribute as the protobuf format has it: by the type CloudEvents gives the name, else by the type of the value. */
export function encodeAttribute(name: string, value: unknown): AttributeValue {
  return {
    $typeName: "io.cloudevents.v1.CloudEvent.CloudEventAttributeValue",
    attr: attributeOf(name, value),
  };
}

function attributeOf(name: string, value: unknown): AttributeValue["attr"] {
  switch (typeof value) {
    case "boolean":
      return { case: "ceBoolean", value };
    case "number":
      return { case: "ceInteger", value };
    case "string":
      break;
    default:
      throw invalidAttribute(name, "must be a string, an integer or a boolean");
  }
  if (name === "dataschema") return { case: "ceUri", value };
  if (name !== "time" && name !== "expirytime") return { case: "ceString", value };
  const timestamp = parseTimestamp(value);
  if (timestamp === undefined) throw invalidAttribute(name, "is not an RFC 3339 timestamp");
  const { seconds, nanos } = timestamp;
  return { case: "ceTimestamp", value: create(TimestampSchema, { seconds: BigInt(seconds), nanos }) };
}

/** The value in the terms of the JSON format: bytes become base64, timestamps RFC 3339 in UTC. */
export function decodeAttribute(name: string, { attr }: AttributeValue): ExtensionValue {
  if (name === "time" && attr.case !== "ceTimestamp") throw invalidAttribute(name, "must be a ce_timestamp");
  switch (attr.case) {
    case "ceBoolean":
    case "ceInteger":
    case "ceString":
    case "ceUri":
    case "ceUriRef":
      return attr.value;
    case "ceBytes":
      return encodeBase64(attr.value);
    case "ceTimestamp": {
      const text = formatTimestamp({ seconds: Number(attr.value.seconds), nanos: attr.value.nanos });
      if (text === undefined) throw invalidAttribute(name, "is a timestamp outside the years 1 to 9999");
      return text;
    }
    case undefined:
      throw invalidAttribute(name, "has no value of a known type");
  }
}
