import { describe, expect, it } from "vitest";
import { decodeHeaderValue } from "./header-value.js";

describe("decodeHeaderValue", () => {
  it.each([
    ["plain", "plain"],
    ["", ""],
    ["/a/b?c=d&e", "/a/b?c=d&e"],
    ["Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"],
    ["100%25", "100%"],
    ["%2525", "%25"],
    ["with space", "with space"],
    ['"quoted value"', "quoted value"],
    ['"a \\"b\\" \\\\ c"', 'a "b" \\ c'],
    ['"quoted%20and%20encoded"', "quoted and encoded"],
    ['not "quoted" as a whole', 'not "quoted" as a whole'],
    ["back\\slash", "back\\slash"],
  ])("decodes %j", (raw, value) => {
    expect(decodeHeaderValue("ce-x", raw)).toBe(value);
  });

  it.each([
    ["a lone percent sign", "50%"],
    ["an encoding that is not hexadecimal", "%zz"],
    ["bytes that are not UTF-8", "%FF%FE"],
    ["a surrogate as UTF-8", "%ED%A0%80"],
    ["raw Latin-1", "caf\u00e9"],
    ["a control character", "a\u0007b"],
  ])("refuses %s, naming the header", (_what, raw) => {
    expect(() => decodeHeaderValue("ce-x", raw)).toThrow(
      expect.objectContaining({ code: "invalid_event", message: expect.stringContaining("ce-x") }),
    );
  });
});
