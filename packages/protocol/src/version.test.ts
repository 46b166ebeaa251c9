import { describe, expect, test } from "vitest";
import { hawserError } from "./testing/expect-error.js";
import { formatSettled, formatVersion, parseSettled, parseVersion } from "./version.js";

describe("a version", () => {
  test.each([1, 10, 2 ** 32, Number.MAX_SAFE_INTEGER])("%d survives its text", (version) => {
    expect(parseVersion(formatVersion(version))).toBe(version);
    expect(parseSettled(formatSettled(version))).toBe(version);
  });

  test.each([
    "",
    "0",
    "-1",
    "+1",
    "01",
    "1.0",
    "1e3",
    " 1",
    "1 ",
    "١",
    "9007199254740992",
    "99999999999999999",
  ])("is not %j", (text) => {
    expect(() => parseVersion(text)).toThrow(hawserError("invalid_eventid", "decimal integer from 1"));
  });

  test.each([0, -1, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1])("is not made of %d", (version) => {
    expect(() => formatVersion(version)).toThrow(hawserError("invalid_state", "is not a version"));
  });
});

test("settled may be 0 as well, which is no version", () => {
  expect(parseSettled(formatSettled(0))).toBe(0);
  expect(() => parseSettled("00")).toThrow(hawserError("invalid_message", 'settled "00"'));
  expect(() => formatSettled(-1)).toThrow(hawserError("invalid_state", "is not a version"));
});
