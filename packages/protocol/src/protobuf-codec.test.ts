import { expect, test } from "vitest";
import { protobufCodec } from "./protobuf-codec.js";

test("an event survives the protobuf format", () => {
  const event = {
    specversion: "1.0",
    id: "1",
    source: "/here",
    type: "demo",
    time: "2026-01-02T03:04:05Z",
    resourceid: "web_1",
    eventid: "7",
    number: -5,
    flag: true,
    data: { list: [1, "two", null] },
  } as const;
  expect(protobufCodec.decode(protobufCodec.encode(event))).toEqual(event);
});
