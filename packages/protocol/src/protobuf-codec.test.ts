import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CloudEventSchema } from "./testing/gen/io/cloudevents/v1/cloudevents_pb.js";
import { LIMITS } from "./limits.js";
import { protobufCodec } from "./protobuf-codec.js";
import { hawserError, invalidEvent } from "./testing/expect-error.js";

type Init = MessageInitShape<typeof CloudEventSchema>;
const minimal = { specversion: "1.0", id: "1", source: "/s", type: "t" };
const bytesOf = (init: Init): Uint8Array =>
  toBinary(
    CloudEventSchema,
    create(CloudEventSchema, { specVersion: "1.0", id: "1", source: "/s", type: "t", ...init }),
  );
const decode = (init: Init): unknown => protobufCodec.decode(bytesOf(init));
const text = (value: string): { attr: { case: "ceString"; value: string } } => ({
  attr: { case: "ceString", value },
});

test("a known event is these bytes", () => {
  const frame = protobufCodec.encode({
    specversion: "1.0",
    id: "1",
    source: "/s",
    type: "t",
    time: "2026-01-02T03:04:05.5Z",
    resourceid: "a_b",
    count: -1,
    flag: true,
    data: { a: 1 },
  });
  // Written out by hand from the schema: field * 8 + wire type, length, content.
  const expected = [
    "0a 01 31", // id = "1"
    "12 02 2f 73", // source = "/s"
    "1a 03 31 2e 30", // spec_version = "1.0"
    "22 01 74", // type = "t"
    "2a 16 0a 04 74 69 6d 65 12 0e 3a 0c 08 a5 eb dc ca 06 10 80 ca b5 ee 01", // time as ce_timestamp
    "2a 13 0a 0a 72 65 73 6f 75 72 63 65 69 64 12 05 1a 03 61 5f 62", // resourceid as ce_string
    "2a 14 0a 05 63 6f 75 6e 74 12 0b 10 ff ff ff ff ff ff ff ff ff 01", // count as ce_integer
    "2a 0a 0a 04 66 6c 61 67 12 02 08 01", // flag as ce_boolean
    "3a 07 7b 22 61 22 3a 31 7d", // text_data = {"a":1}
  ].join(" ");
  expect(Buffer.from(frame).toString("hex")).toBe(expected.replaceAll(" ", ""));
});

describe("refused, naming what is wrong", () => {
  test.each<[string, Init, string]>([
    ["no id", { id: "" }, '"id" must not be empty'],
    ["no source", { source: "" }, '"source" must not be empty'],
    ["no type", { type: "" }, '"type" must not be empty'],
    ["another spec_version", { specVersion: "0.3" }, '"specversion" must be "1.0", not "0.3"'],
    ["a bad name", { attributes: { "Trace-Parent": text("x") } }, '"Trace-Parent" has a name'],
    ["an empty name", { attributes: { "": text("x") } }, '"" has a name'],
    [
      "a prototype",
      { attributes: JSON.parse('{"__proto__":{"attr":{"case":"ceString","value":"x"}}}') },
      '"__proto__" has a name that is not',
    ],
    [
      "a required attribute once more",
      { attributes: { id: text("2") } },
      '"id" must not be among the attributes',
    ],
    [
      "data among the attributes",
      { attributes: { data: text("2") } },
      '"data" must not be among the attributes',
    ],
    ["an attribute without a value", { attributes: { note: {} } }, '"note" has no value of a known type'],
    [
      "a time that is text",
      { attributes: { time: text("2026-01-02T03:04:05Z") } },
      '"time" must be a ce_timestamp',
    ],
    [
      "a time out of range",
      { attributes: { time: { attr: { case: "ceTimestamp", value: { seconds: 253_402_300_800n } } } } },
      '"time" is a timestamp outside',
    ],
    [
      "negative nanoseconds",
      { attributes: { time: { attr: { case: "ceTimestamp", value: { nanos: -1 } } } } },
      '"time" is a timestamp with nanos of -1;',
    ],
    [
      "two thousand million nanoseconds",
      { attributes: { time: { attr: { case: "ceTimestamp", value: { nanos: 2_000_000_000 } } } } },
      '"time" is a timestamp with nanos of 2000000000; they must be 0 to 999999999',
    ],
    [
      "an expirytime that is none",
      { attributes: { expirytime: text("soon") } },
      '"expirytime" is not an RFC 3339 timestamp',
    ],
    [
      "a subject that is an integer",
      { attributes: { subject: { attr: { case: "ceInteger", value: 1 } } } },
      '"subject" must be a string',
    ],
    ["a long attribute", { attributes: { note: text("x".repeat(1025)) } }, '"note" has 1025 characters'],
    [
      "proto_data",
      { data: { case: "protoData", value: { typeUrl: "x/y" } } },
      '"proto_data" is not supported',
    ],
    ["text that is not JSON", { data: { case: "textData", value: "hello" } }, "text_data is not JSON"],
    [
      "JSON that is nested too deep",
      { data: { case: "textData", value: "[".repeat(513) + "]".repeat(513) } },
      "more than 512 levels",
    ],
    [
      "too many extensions",
      {
        attributes: Object.fromEntries(
          Array.from({ length: LIMITS.maxExtensions + 1 }, (_, i) => [`x${i}`, text("")]),
        ),
      },
      "33 extension attributes",
    ],
  ])("%s", (_name, init, problem) => {
    expect(() => decode(init)).toThrow(invalidEvent(problem));
  });

  test.each([
    ["nothing at all", "", '"id" must not be empty'],
    ["a length beyond the end", "0a 05 31", "longer than what is left of its message, at byte 2"],
    ["a length of 2^32 - 1", "0a ff ff ff ff 0f", "longer than what is left"],
    ["a length of 2^63", "0a ff ff ff ff ff ff ff ff 7f", "a tag or length of more than 5 bytes"],
    ["a negative length", "0a ff ff ff ff ff ff ff ff ff 01", "a tag or length of more than 5 bytes"],
    ["a length that leads out of its message", "2a 04 0a 05 61 62 63 64 65", "longer than what is left"],
    ["a number of 11 bytes", "48 ff ff ff ff ff ff ff ff ff ff 01", "a number of more than 10 bytes"],
    ["an end within a number", "48 ff", "longer than what is left"],
    ["an end within a fixed number", "49 ff", "longer than what is left"],
    ["field number 0", "02 00", "an illegal tag"],
    ["a field number above 2^29", "80 80 80 80 10 00", "an illegal tag"],
    ["wire type 6", "4e", "an illegal wire type"],
    ["a known field that is a number", "08 01", "field 1 with wire type 0"],
    ["a known field that is a group", "0b 0c", "field 1 with wire type 3"],
    ["a group under an unknown number", "4b 4c", "a group, which is not supported"],
    ["the end of a group", "4c", "a group, which is not supported"],
    ["a group within an attribute", "2a 02 1b 1c", "a group, which is not supported"],
    ["a string that is not UTF-8", "0a 02 c3 28", "text that is not UTF-8"],
    ["a string that is cut within a character", "0a 01 c3", "text that is not UTF-8"],
    [
      "a longer string that is not UTF-8",
      "0a 0c 61 61 61 61 61 61 61 61 61 61 61 ff",
      "text that is not UTF-8",
    ],
    ["a surrogate in UTF-8", "0a 03 ed a0 80", "text that is not UTF-8"],
  ])("%s", (_name, hex, problem) => {
    expect(() => protobufCodec.decode(Buffer.from(hex.replaceAll(" ", ""), "hex"))).toThrow(
      invalidEvent(problem),
    );
  });
});

describe("accepted", () => {
  test.each<[string, Init, object]>([
    ["U+FFFD itself", { attributes: { note: text("\ufffd") } }, { note: "\ufffd" }],
    ["a byte order mark as text", { attributes: { note: text("\ufeffx") } }, { note: "\ufeffx" }],
    [
      "ce_bytes, as base64",
      { attributes: { note: { attr: { case: "ceBytes", value: new Uint8Array([255]) } } } },
      { note: "/w==" },
    ],
    [
      "ce_uri_ref, as text",
      { attributes: { note: { attr: { case: "ceUriRef", value: "/x" } } } },
      { note: "/x" },
    ],
    [
      "a timestamp as extension",
      { attributes: { at: { attr: { case: "ceTimestamp", value: { seconds: -1n, nanos: 1 } } } } },
      { at: "1969-12-31T23:59:59.000000001Z" },
    ],
    [
      "an expirytime that is text",
      { attributes: { expirytime: text("2026-01-02T03:04:05+01:00") } },
      { expirytime: "2026-01-02T03:04:05+01:00" },
    ],
    [
      "the bounds of an integer",
      {
        attributes: {
          low: { attr: { case: "ceInteger", value: -2_147_483_648 } },
          high: { attr: { case: "ceInteger", value: 2_147_483_647 } },
        },
      },
      { low: -2_147_483_648, high: 2_147_483_647 },
    ],
    [
      "bytes, whatever the type",
      { data: { case: "binaryData", value: new Uint8Array([123, 125]) } },
      { data: new Uint8Array([123, 125]) },
    ],
    [
      "text of another type",
      { attributes: { datacontenttype: text("text/plain") }, data: { case: "textData", value: "{}" } },
      { datacontenttype: "text/plain", data: "{}" },
    ],
  ])("%s", (_name, init, members) => {
    expect(decode(init)).toEqual({ ...minimal, ...members });
  });

  test("fields of a later schema, of every wire type", () => {
    const unknown = Buffer.from("480149000000000000000052024142" + "5d00000000", "hex");
    expect(protobufCodec.decode(Buffer.concat([bytesOf({}), unknown]))).toEqual(minimal);
  });

  test("a field that comes twice, as it came last", () => {
    expect(protobufCodec.decode(Buffer.concat([bytesOf({}), Buffer.from("0a0132", "hex")]))).toEqual({
      ...minimal,
      id: "2",
    });
  });

  test("an attribute that comes twice, and a value of two parts", () => {
    const note = Buffer.from("2a0b0a046e6f746512031a0161" + "2a0b0a046e6f746512031a0162", "hex");
    expect(protobufCodec.decode(Buffer.concat([bytesOf({}), note]))).toEqual({ ...minimal, note: "b" });
    const time = Buffer.from("2a12" + "0a0474696d65" + "12043a020801" + "12043a021002", "hex");
    expect(protobufCodec.decode(Buffer.concat([bytesOf({}), time]))).toEqual({
      ...minimal,
      time: "1970-01-01T00:00:01.000000002Z",
    });
  });

  test("a frame that lies within a larger buffer, from which the data is copied", () => {
    const frame = bytesOf({ data: { case: "binaryData", value: new Uint8Array([1, 2]) } });
    const larger = Buffer.concat([Buffer.alloc(7), frame, Buffer.alloc(7)]);
    const { data } = protobufCodec.decode(larger.subarray(7, 7 + frame.length));
    expect(data).toEqual(new Uint8Array([1, 2]));
    expect(data instanceof Uint8Array && data.buffer.byteLength).toBe(2);
  });
});

test("a resourceid or eventid that is no text has a code of its own", () => {
  const integer = { attr: { case: "ceInteger" as const, value: 1 } };
  expect(() => decode({ attributes: { resourceid: integer } })).toThrow(hawserError("missing_resourceid"));
  expect(() => decode({ attributes: { eventid: integer } })).toThrow(hawserError("invalid_eventid"));
});

test("attributes beyond what an event may have are not stored first", () => {
  const note = Buffer.from("2a0a0a036e6f6e12031a0161", "hex");
  const frame = Buffer.concat([bytesOf({}), ...Array.from({ length: 40 }, () => note)]);
  expect(() => protobufCodec.decode(frame)).toThrow(invalidEvent("more than 39 attributes"));
});

test("an attribute that no format can carry is refused when writing", () => {
  for (const number of [0.5, 2 ** 31, Number.NaN]) {
    expect(() => protobufCodec.encode({ ...minimal, specversion: "1.0", note: number })).toThrow(
      invalidEvent('"note" must be a 32-bit signed integer'),
    );
  }
  expect(() => protobufCodec.encode({ ...minimal, specversion: "1.0", note: {} })).toThrow(
    invalidEvent('"note"'),
  );
  expect(() => protobufCodec.encode({ ...minimal, specversion: "1.0", time: "now" })).toThrow(
    invalidEvent('"time"'),
  );
});
