import { describe, expect, it } from "vitest";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { jsonCodec } from "./json-codec.js";
import { LIMITS } from "./limits.js";
import { nackKey } from "./parse-message.js";
import { protobufBatchCodec } from "./protobuf-batch-codec.js";
import { protobufCodec } from "./protobuf-codec.js";

const KEY = { resourceid: "web_u1", eventid: "41" };
const event = (more: Partial<CloudEvent> = {}): CloudEvent => ({
  specversion: "1.0",
  id: "e1",
  source: "/test",
  type: "com.example.v1",
  ...KEY,
  ...more,
});

function refusal(decode: () => unknown): HawserError {
  try {
    decode();
  } catch (thrown) {
    if (thrown instanceof HawserError) return thrown;
    throw thrown;
  }
  return expect.fail("it was read");
}

const many = Object.fromEntries(
  Array.from({ length: LIMITS.maxExtensions + 1 }, (_, index) => [`x${index}`, "v"]),
);

const UNREADABLE: readonly (readonly [string, Partial<CloudEvent>])[] = [
  ["no id", { id: "" }],
  ["no source", { source: "" }],
  ["no type", { type: "" }],
  ["an empty subject", { subject: "" }],
  ["a control character", { note: "\u0000" }],
  ["an attribute name in capitals", { Note: "x" }],
  ["too many attributes", many],
];

describe.each([
  ["JSON", (sent: CloudEvent) => jsonCodec.decode(jsonCodec.encode(sent))],
  ["protobuf", (sent: CloudEvent) => protobufCodec.decode(protobufCodec.encode(sent))],
])("%s", (_, roundTrip) => {
  it.each(UNREADABLE)("names the event that is refused for %s", (_what, more) => {
    const error = refusal(() => roundTrip(event(more)));
    expect(error.code).toBe("invalid_event");
    expect(nackKey(error)).toEqual(KEY);
  });

  it.each([
    ["no resourceid", { resourceid: undefined }],
    ["an empty one", { resourceid: "" }],
    ["one that is too long", { resourceid: "a".repeat(LIMITS.maxResourceIdLength + 1) }],
    ["one that no answer could repeat", { resourceid: "a\u0000_1" }],
    ["no eventid", { eventid: undefined }],
    ["an eventid that is no version", { eventid: "0x1f" }],
    ["a control message", { type: "hawser.control.heartbeat.v1" }],
  ] as const)("does not name an event with %s", (_what, more) => {
    expect(nackKey(refusal(() => roundTrip(event({ subject: "", ...more }))))).toBeUndefined();
  });
});

it("names the event whose number cannot be kept, and says where it stands", () => {
  const text = JSON.stringify(event({ data: { n: 1 } })).replace('"n":1', '"n":9007199254740993');
  const error = refusal(() => jsonCodec.decode(text));
  expect(nackKey(error)).toEqual(KEY);
  expect(error.message).toContain("9007199254740993 cannot be kept exactly");
});

it("names nothing in what is no event", () => {
  for (const text of ["{,}", "[]", "7", '"text"', "{}"])
    expect(nackKey(refusal(() => jsonCodec.decode(text)))).toBeUndefined();
  for (const bytes of [
    [0xff, 0xff],
    [0x0a, 9],
    [0x2a, 2, 0x0a, 9],
  ])
    expect(nackKey(refusal(() => protobufCodec.decode(Uint8Array.from(bytes))))).toBeUndefined();
});

it("names it although text of it is no UTF-8", () => {
  const frame = Buffer.from(protobufCodec.encode(event({ datacontenttype: "text/plain", data: "?" })));
  frame[frame.lastIndexOf("?")] = 0xff;
  expect(nackKey(refusal(() => protobufCodec.decode(frame)))).toEqual(KEY);
});

describe("a batch", () => {
  it("gives the error of one event in its place, and all the others", () => {
    const batch = protobufBatchCodec.encode([
      event({ eventid: "1" }),
      event({ eventid: "2", subject: "" }),
      event({ eventid: "3" }),
    ]);
    expect(() => protobufBatchCodec.decode(batch)).toThrow("subject");
    const read = protobufBatchCodec.read(batch);
    expect(read.map((each) => (each instanceof HawserError ? each.event_id : each["eventid"]))).toEqual([
      "1",
      "2",
      "3",
    ]);
    expect(read[1]).toBeInstanceOf(HawserError);
  });

  it("is refused as a whole for what cannot be named, and for too many", () => {
    const control = event({ type: "hawser.control.ack.v1", subject: "" });
    expect(() => protobufBatchCodec.read(protobufBatchCodec.encode([event(), control]))).toThrow("subject");
    expect(() => protobufBatchCodec.read(Uint8Array.of(0xff))).toThrow("not a protobuf message");
    const bad = protobufBatchCodec.encode([event({ subject: "" })]);
    const tooMany = Buffer.concat(Array.from({ length: LIMITS.maxBatchEvents + 1 }, () => bad));
    expect(() => protobufBatchCodec.read(tooMany)).toThrow(`more than ${LIMITS.maxBatchEvents}`);
  });
});
