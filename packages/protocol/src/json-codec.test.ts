import { describe, expect, test } from "vitest";
import { jsonCodec } from "./json-codec.js";
import { LIMITS } from "./limits.js";
import { hawserError, invalidEvent } from "./testing/expect-error.js";

const minimal = { specversion: "1.0", id: "1", source: "/s", type: "t" };
const decode = (members: object): unknown => jsonCodec.decode(JSON.stringify({ ...minimal, ...members }));
const extensions = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, index]));
const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));

describe("refused, naming what is wrong", () => {
  test.each([
    ["nothing", "", "not JSON"],
    ["cut JSON", '{"specversion":"1.0"', "not JSON"],
    ["a string", '"event"', "not a JSON object"],
    ["null", "null", "not a JSON object"],
    ["an array, as in a batch", "[]", "not a JSON object"],
  ])("%s", (_name, frame, problem) => {
    expect(() => jsonCodec.decode(frame)).toThrow(invalidEvent(problem));
  });

  test.each([
    ["no id", { id: undefined }, '"id" is missing'],
    ["an unset id", { id: null }, '"id" is missing'],
    ["an empty id", { id: "" }, '"id" must not be empty'],
    ["an id that is a number", { id: 7 }, '"id" must be a string'],
    ["no source", { source: undefined }, '"source" is missing'],
    ["an empty source", { source: "" }, '"source" must not be empty'],
    ["no type", { type: undefined }, '"type" is missing'],
    ["an empty type", { type: "" }, '"type" must not be empty'],
    ["no specversion", { specversion: undefined }, '"specversion" must be "1.0", not undefined'],
    ["another specversion", { specversion: "0.3" }, '"specversion" must be "1.0", not "0.3"'],
    ["a specversion that is a number", { specversion: 1 }, '"specversion" must be "1.0", not 1'],
    ["an empty subject", { subject: "" }, '"subject" must not be empty'],
    ["a subject that is no string", { subject: true }, '"subject" must be a string'],
    ["a datacontenttype that is no string", { datacontenttype: 1 }, '"datacontenttype" must be a string'],
    ["a dataschema that is no string", { dataschema: {} }, '"dataschema" must be a string'],
    ["a time that is none", { time: "yesterday" }, '"time" is not an RFC 3339 timestamp: "yesterday"'],
    ["a time without a zone", { time: "2026-01-02T03:04:05" }, '"time" is not'],
    ["a time that is a number", { time: 1_767_323_045 }, '"time" must be a string'],
    ["an expirytime that is none", { expirytime: "2026-13-01T00:00:00Z" }, '"expirytime" is not'],
    ["an upper-case name", { traceParent: "x" }, '"traceParent" has a name'],
    ["a name with a dash", { "trace-parent": "x" }, '"trace-parent" has a name'],
    ["an empty name", { "": "x" }, '"" has a name'],
    ["a name of 21 characters", { abcdefghijklmnopqrstu: "x" }, "has a name"],
    [
      "a list as an extension",
      { list: [1] },
      '"list" must be a string, an integer or a boolean, not an array',
    ],
    ["an object as an extension", { object: {} }, '"object" must be a string, an integer or a boolean'],
    ["a fraction", { number: 1.5 }, '"number" must be a 32-bit signed integer, not 1.5'],
    ["an integer above 32 bits", { number: 2_147_483_648 }, '"number" must be a 32-bit signed integer'],
    ["an integer below 32 bits", { number: -2_147_483_649 }, '"number" must be a 32-bit signed integer'],
    ["a control character", { subject: "a\nb" }, '"subject" must not contain control characters'],
    ["a C1 control character", { note: "a\u0085b" }, '"note" must not contain control characters'],
    [
      "a lone surrogate",
      { note: "a\ud800b" },
      '"note" must not contain control characters or lone surrogates',
    ],
    ["data and data_base64", { data: 1, data_base64: "AA==" }, '"data_base64" and data exclude each other'],
    ["data_base64 that is no string", { data_base64: 1 }, '"data_base64" must be a string'],
    ["base64 without padding", { data_base64: "AAA" }, '"data_base64" is not base64'],
    ["base64 with foreign characters", { data_base64: "A-_=" }, '"data_base64" is not base64'],
    ["base64 with padding inside", { data_base64: "A===AAAA" }, '"data_base64" is not base64'],
    [
      "an object that is not JSON by its type",
      { datacontenttype: "text/plain", data: {} },
      "data must be a string",
    ],
    ["text that UTF-8 cannot carry", { datacontenttype: "text/plain", data: "\ud800" }, "lone surrogates"],
    ["too many extensions", extensions(LIMITS.maxExtensions + 1), "33 extension attributes; 32 are allowed"],
    ["data that is nested too deep", { data: nested(LIMITS.maxDataDepth + 1) }, "more than 512 levels"],
  ])("%s", (_name, members, problem) => {
    expect(() => decode(members)).toThrow(invalidEvent(problem));
  });

  test.each(["id", "source", "type", "subject", "datacontenttype", "dataschema", "other"])(
    "%s above the length limit",
    (name) => {
      const longest = "x".repeat(LIMITS.maxAttributeLength);
      expect(decode({ [name]: longest })).toHaveProperty(name, longest);
      expect(() => decode({ [name]: `${longest}x` })).toThrow(invalidEvent(`"${name}" has 1025 characters`));
    },
  );

  test.each([
    [
      "a resourceid that is no string",
      { resourceid: 1 },
      "missing_resourceid",
      '"resourceid" must be a string',
    ],
    [
      "a resourceid that is empty",
      { resourceid: "" },
      "missing_resourceid",
      '"resourceid" must not be empty',
    ],
    ["a long resourceid", { resourceid: "x".repeat(1025) }, "missing_resourceid", "has 1025 characters"],
    ["an eventid that is a number", { eventid: 12 }, "invalid_eventid", '"eventid" must be a string, not 12'],
    ["an eventid that is empty", { eventid: "" }, "invalid_eventid", '"eventid" must not be empty'],
    ["a long eventid", { eventid: "1".repeat(1025) }, "invalid_eventid", "has 1025 characters"],
  ] as const)("%s, which has a code of its own", (_name, members, code, problem) => {
    expect(() => decode(members)).toThrow(hawserError(code, problem));
  });

  test.each(["__proto__", "constructor_", "toString", "hasOwnProperty"])("the name %s", (name) => {
    const frame = JSON.stringify(minimal).replace("{", `{${JSON.stringify(name)}:{"polluted":true},`);
    expect(() => jsonCodec.decode(frame)).toThrow(invalidEvent(`"${name}" has a name`));
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  test("a name or a value of a megabyte makes a short message", () => {
    const long = "X".repeat(1_000_000);
    const messageOf = (members: object): string => {
      try {
        decode(members);
      } catch (error) {
        return String(error);
      }
      return "accepted";
    };
    expect(messageOf({ [long]: 1 }).length).toBeLessThan(300);
    expect(messageOf({ time: long.slice(0, 1000) }).length).toBeLessThan(300);
  });
});

describe("accepted", () => {
  test.each([
    [
      "at the limit of extensions, with those that do not count",
      { ...extensions(32), resourceid: "a_b", eventid: "1", expirytime: "2026-01-02T03:04:05Z" },
    ],
    ["the bounds of an integer", { low: -2_147_483_648, high: 2_147_483_647 }],
    ["an empty extension", { note: "" }],
    ["a name of 20 characters", { abcdefghijklmnopqrst: "x" }],
    ["data that is null", { data: null }],
    ["text of another type", { datacontenttype: "text/plain", data: "hello" }],
    ["the deepest data", { data: nested(LIMITS.maxDataDepth) }],
    ["keys in data that name prototypes", { data: { constructor: 1 } }],
  ])("%s", (_name, members) => {
    expect(decode(members)).toEqual({ ...minimal, ...members });
  });

  test("an unset attribute counts as absent", () => {
    expect(decode({ subject: null, note: null, data_base64: null })).toEqual(minimal);
  });

  test("base64 becomes bytes and bytes become base64", () => {
    const event = jsonCodec.decode(JSON.stringify({ ...minimal, data_base64: "AP8Q" }));
    expect(event).toEqual({ ...minimal, data: new Uint8Array([0, 255, 16]) });
    expect(JSON.parse(jsonCodec.encode(event))).toEqual({ ...minimal, data_base64: "AP8Q" });
  });
});
