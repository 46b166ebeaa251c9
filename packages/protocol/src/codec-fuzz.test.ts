import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeControl } from "./control-codec.js";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { jsonCodec } from "./json-codec.js";
import { parseMessage } from "./parse-message.js";
import { protobufBatchCodec } from "./protobuf-batch-codec.js";
import { protobufCodec } from "./protobuf-codec.js";
import { damaged, edits } from "./testing/damage.js";
import { cloudEvent } from "./testing/event-arbitrary.js";

// A failing run prints its seed; `fc.assert(property, { seed, path })` replays it alone.

const CODES = ["invalid_event", "missing_resourceid", "invalid_eventid", "unknown_type", "invalid_message"];
const CONTROL_CODES = ["invalid_agent_name", "unsupported_version"];

/** What a connection does with a frame. Whatever the bytes are, it is an event or a HawserError, never anything else. */
function receive(decode: () => CloudEvent): "accepted" | "refused" {
  try {
    parseMessage(decode());
    return "accepted";
  } catch (thrown) {
    if (!(thrown instanceof HawserError)) throw thrown;
    expect([...CODES, ...CONTROL_CODES]).toContain(thrown.code);
    return "refused";
  }
}

function receiveBatch(bytes: Uint8Array): "accepted" | "refused" {
  return receive(() => {
    const [first] = protobufBatchCodec.decode(bytes);
    if (first === undefined) throw new Error("a batch is never empty");
    return first;
  });
}

const control = fc
  .array(fc.record({ resourceid: fc.constant("web_1"), eventid: fc.nat().map((n) => String(n + 1)) }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((acks) => encodeControl({ type: "ack", acks }, { id: "1", source: "/s" }));
const anything = fc.oneof(cloudEvent(), control);

describe("garbage is refused as such", () => {
  test("any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(receive(() => protobufCodec.decode(bytes))).toBe("refused");
        expect(receiveBatch(bytes)).toBe("refused");
      }),
      { numRuns: 5000 },
    );
  });

  test("any text, and any JSON", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.json());
    fc.assert(
      fc.property(text, (frame) => {
        expect(receive(() => jsonCodec.decode(frame))).toBe("refused");
      }),
      { numRuns: 2000 },
    );
  });

  test("a damaged frame breaks nothing", () => {
    fc.assert(
      fc.property(anything, edits, (event, changes) => {
        receive(() => protobufCodec.decode(damaged(protobufCodec.encode(event), changes)));
        receiveBatch(damaged(protobufBatchCodec.encode([event, event]), changes));
        receive(() => jsonCodec.decode(damaged(Buffer.from(jsonCodec.encode(event)), changes).toString()));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("a frame that was cut", () => {
  const acks = [{ resourceid: "web_1", eventid: "12" }];
  const event = encodeControl({ type: "ack", acks }, { id: "1", source: "/s" });

  test("is never JSON", () => {
    const frame = jsonCodec.encode(event);
    for (let length = 0; length < frame.length; length += 1) {
      expect(receive(() => jsonCodec.decode(frame.slice(0, length)))).toBe("refused");
    }
  });

  test("is no control message in protobuf either, although a cut between two fields is a message", () => {
    const frame = protobufCodec.encode(event);
    for (let length = 0; length < frame.length; length += 1) {
      expect(receive(() => protobufCodec.decode(frame.subarray(0, length)))).toBe("refused");
    }
    expect(receive(() => protobufCodec.decode(frame))).toBe("accepted");
  });
});
