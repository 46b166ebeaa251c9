import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CloudEvent } from "./event.js";
import {
  CloudEventSchema,
  type CloudEvent_CloudEventAttributeValue,
} from "./gen/io/cloudevents/v1/cloudevents_pb.js";
import { jsonCodec } from "./json-codec.js";
import { isJsonContentType } from "./media-type.js";
import { protobufCodec } from "./protobuf-codec.js";
import { cloudEvent } from "./testing/event-arbitrary.js";
import { parseTimestamp } from "./timestamp.js";

describe("an event comes back as it went in", () => {
  test("through the JSON format", () => {
    fc.assert(
      fc.property(cloudEvent(), (event) => {
        expect(jsonCodec.decode(jsonCodec.encode(event))).toEqual(event);
      }),
      { numRuns: 500 },
    );
  });

  test("through the protobuf format", () => {
    fc.assert(
      fc.property(cloudEvent(), (event) => {
        expect(protobufCodec.decode(protobufCodec.encode(event))).toEqual(event);
      }),
      { numRuns: 500 },
    );
  });

  test("through one format and then the other", () => {
    fc.assert(
      fc.property(cloudEvent(), (event) => {
        const throughJson = jsonCodec.decode(jsonCodec.encode(event));
        expect(protobufCodec.decode(protobufCodec.encode(throughJson))).toEqual(event);
      }),
    );
  });
});

describe("the protobuf codec and the generated code agree", () => {
  test("byte by byte on what is written", () => {
    fc.assert(
      fc.property(cloudEvent(), (event) => {
        const generated = toBinary(CloudEventSchema, messageOf(event));
        expect(Buffer.from(protobufCodec.encode(event)).toString("hex")).toBe(
          Buffer.from(generated).toString("hex"),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("on what is read, whatever comes in between", () => {
    fc.assert(
      fc.property(cloudEvent(), (event) => {
        const message = fromBinary(CloudEventSchema, new Uint8Array(protobufCodec.encode(event)));
        expect(message).toEqual(messageOf(event));
        expect(protobufCodec.decode(toBinary(CloudEventSchema, message))).toEqual(event);
      }),
    );
  });
});

/** The event as the generated code has it, put together the obvious way. */
function messageOf(event: CloudEvent) {
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
