import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CloudEvent } from "./event.js";
import { LIMITS } from "./limits.js";
import { protobufBatchCodec } from "./protobuf-batch-codec.js";
import { protobufCodec } from "./protobuf-codec.js";
import { cloudEvent } from "./testing/event-arbitrary.js";
import { invalidEvent } from "./testing/expect-error.js";
import { readReferenceBatch, referenceBatch } from "./testing/protobuf-reference.js";

const event: CloudEvent = { specversion: "1.0", id: "1", source: "/s", type: "t" };
const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(" ", ""), "hex");

test("a known batch is these bytes", () => {
  const message = protobufBatchCodec.encode([event, { ...event, id: "2" }]);
  // events = 1, length 15, and the bytes of the event; twice.
  const expected = [
    "0a 0f 0a 01 31 12 02 2f 73 1a 03 31 2e 30 22 01 74",
    "0a 0f 0a 01 32 12 02 2f 73 1a 03 31 2e 30 22 01 74",
  ].join(" ");
  expect(Buffer.from(message).toString("hex")).toBe(expected.replaceAll(" ", ""));
});

test("events come back as they went in, in their order", () => {
  fc.assert(
    fc.property(fc.array(cloudEvent(), { minLength: 1, maxLength: 8 }), (events) => {
      expect(protobufBatchCodec.decode(protobufBatchCodec.encode(events))).toEqual(events);
    }),
    { numRuns: 300 },
  );
});

test("each event is written as the codec of one event writes it", () => {
  fc.assert(
    fc.property(cloudEvent(), (one) => {
      const frame = protobufCodec.encode(one);
      const message = Buffer.from(protobufBatchCodec.encode([one]));
      expect(message.subarray(message.length - frame.length)).toEqual(Buffer.from(frame));
    }),
    { numRuns: 100 },
  );
});

test("the generated code writes the same bytes and reads the same events", () => {
  fc.assert(
    fc.property(fc.array(cloudEvent(), { minLength: 1, maxLength: 8 }), (events) => {
      const message = protobufBatchCodec.encode(events);
      expect(Buffer.from(message).toString("hex")).toBe(Buffer.from(referenceBatch(events)).toString("hex"));
      expect(readReferenceBatch(message)).toEqual(events);
    }),
    { numRuns: 100 },
  );
});

test("two batches one after the other are one", () => {
  const first = protobufBatchCodec.encode([event]);
  const second = protobufBatchCodec.encode([{ ...event, id: "2" }]);
  expect(protobufBatchCodec.decode(Buffer.concat([first, second])).map(({ id }) => id)).toEqual(["1", "2"]);
});

describe("how many", () => {
  test("none is refused in both directions", () => {
    expect(() => protobufBatchCodec.encode([])).toThrow(invalidEvent("no events"));
    expect(() => protobufBatchCodec.decode(new Uint8Array())).toThrow(invalidEvent("no events"));
  });

  test("as many as the limit, and not one more", () => {
    const most = Array.from({ length: LIMITS.maxBatchEvents }, () => event);
    const message = protobufBatchCodec.encode(most);
    expect(protobufBatchCodec.decode(message)).toHaveLength(LIMITS.maxBatchEvents);
    const more = Buffer.concat([message, protobufBatchCodec.encode([event])]);
    expect(() => protobufBatchCodec.encode([...most, event])).toThrow(invalidEvent("more than 1024 events"));
    expect(() => protobufBatchCodec.decode(more)).toThrow(invalidEvent("more than 1024 events"));
  });
});

describe("refused", () => {
  test.each([
    ["a length beyond the end", "0a 10 0a", "longer than what is left"],
    ["an event that is none", "0a 00", '"id" must not be empty'],
    [
      "one event without its batch",
      "0a 01 31 12 02 2f 73 1a 03 31 2e 30 22 01 74",
      "field 6 with wire type 1",
    ],
  ])("%s", (_name, hex, problem) => {
    expect(() => protobufBatchCodec.decode(bytes(hex))).toThrow(invalidEvent(problem));
  });
});

test("fields of a later schema are ignored", () => {
  const message = Buffer.concat([
    bytes("12 01 00"),
    protobufBatchCodec.encode([event]),
    bytes("1a 02 41 42"),
  ]);
  expect(protobufBatchCodec.decode(message)).toEqual([event]);
});
