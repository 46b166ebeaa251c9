import { jsonCodec, protobufCodec } from "@hawser/protocol";
import { expect, test } from "vitest";
import { framingOf } from "./subprotocol.js";

const event = { specversion: "1.0", id: "1", source: "test", type: "com.example.run", data: "x" } as const;

test("JSON that is at hand is sent as it is; protobuf encodes the event all the same", () => {
  const spaced = JSON.stringify(event, null, 1);
  expect(framingOf("cloudevents.json").encode(event, spaced)).toBe(spaced);
  expect(framingOf("cloudevents.json").encode(event)).toBe(jsonCodec.encode(event));
  expect(framingOf("cloudevents.proto").encode(event, spaced)).toEqual(protobufCodec.encode(event));
});
