import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { numberProblem, parseExactJson, positionOf } from "./exact-json.js";
import { jsonCodec } from "./json-codec.js";
import { protobufCodec } from "./protobuf-codec.js";
import { hawserError, invalidEvent } from "./testing/expect-error.js";

const problem = "9007199254740993 cannot be kept exactly as a number; write it as text";

describe("refused, with the position", () => {
  test.each([
    ["alone", "9007199254740993", `line 1, column 1: ${problem}`],
    ["in an object", '{\n  "a": 1,\n  "id":  9007199254740993\n}', `line 3, column 10: ${problem}`],
    ["in an array behind text", '["\\"9007199254740993", 9007199254740993]', `column 24: ${problem}`],
    ["negative", "[-9007199254740993]", "column 2: -9007199254740993 cannot"],
    // A double holds it, but writes it as 1152921504606847000.
    ["a power of two that is written on with other digits", "[1152921504606846976]", "column 2: 11529"],
    ["20 digits", "[12345678901234567890]", "column 2: 12345678901234567890 cannot"],
    ["above every double", "[1e400]", "column 2: 1e400 cannot be kept"],
    ["below every double", "[-1E+400]", "column 2: -1E+400 cannot be kept"],
    ["above every double, in digits", `[${"9".repeat(400)}]`, `column 2: ${"9".repeat(40)}... cannot`],
    ["a million digits", "9".repeat(1_000_000), "column 1"],
  ])("%s", (_name, text, message) => {
    expect(() => parseExactJson(text)).toThrow(invalidEvent(message));
    expect(() => parseExactJson(text, "invalid_message")).toThrow(hawserError("invalid_message", message));
  });

  test("behind more levels than are walked", () => {
    const text = `${"[".repeat(5000)}9007199254740993${"]".repeat(5000)}`;
    expect(() => parseExactJson(text)).toThrow(invalidEvent("column 5001"));
  });
});

describe("accepted", () => {
  test.each([
    ["the largest integer of all that are kept", "9007199254740991"],
    ["one above that is kept", "9007199254740992"],
    ["text", '{"id":"9007199254740993","big":"1e400"}'],
    ["a name", '{"9007199254740993":1e3}'],
    ["a float of many digits", "[0.30000000000000004441, 3.141592653589793238462643]"],
    ["an exponent", "[1e23, 1.5e300, 1e-400, 5E+22]"],
  ])("%s", (_name, text) => {
    expect(parseExactJson(text)).toEqual(JSON.parse(text));
  });

  test("nothing but depth", () => {
    const text = `${"[".repeat(5000)}${"]".repeat(5000)}`;
    expect(Array.isArray(parseExactJson(text))).toBe(true);
  });

  test("whatever JSON is written from numbers", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.double({ noNaN: true, noDefaultInfinity: true }), (value, number) => {
        const text = JSON.stringify([value, number, Math.round(number), number * 2 ** 60]);
        expect(parseExactJson(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  test("what JSON.parse refuses stays a SyntaxError", () => {
    expect(() => parseExactJson("[9007199254740993")).toThrow(SyntaxError);
  });
});

test("an integer is refused exactly when it is written on with other digits", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (integer) => {
      const digits = String(integer);
      expect(numberProblem(digits) === undefined).toBe(JSON.stringify(JSON.parse(digits)) === digits);
    }),
    { numRuns: 1000 },
  );
});

test("both codecs refuse such data", () => {
  const event = { specversion: "1.0", id: "1", source: "/s", type: "t", data: 12 } as const;
  const json = jsonCodec.encode(event).replace(":12", ":9007199254740993");
  expect(() => jsonCodec.decode(json)).toThrow(invalidEvent(problem));
  // The text is as long as the one it takes the place of.
  const frame = Buffer.from(protobufCodec.encode({ ...event, data: "9007199254740" })).toString("latin1");
  const protobuf = Buffer.from(frame.replace('"9007199254740"', "900719925474099"), "latin1");
  expect(protobufCodec.decode(protobuf).data).toBe(900_719_925_474_099);
  const large = Buffer.from(protobufCodec.encode({ ...event, data: "90071992547409" })).toString("latin1");
  expect(() =>
    protobufCodec.decode(Buffer.from(large.replace('"90071992547409"', "9007199254740993"), "latin1")),
  ).toThrow(invalidEvent(problem));
});

test("a position", () => {
  expect(positionOf("ab\ncd", 0)).toEqual({ line: 1, column: 1 });
  expect(positionOf("ab\ncd", 4)).toEqual({ line: 2, column: 2 });
});
