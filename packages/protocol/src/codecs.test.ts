import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonCodec } from "./json-codec.js";
import { protobufCodec } from "./protobuf-codec.js";
import { cloudEvent } from "./testing/event-arbitrary.js";

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
