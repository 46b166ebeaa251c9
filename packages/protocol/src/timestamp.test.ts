import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatTimestamp, parseTimestamp } from "./timestamp.js";

describe("a timestamp", () => {
  test("is the same to Date, wherever both can tell", () => {
    const date = fc.date({
      min: new Date(-62_135_596_800_000),
      max: new Date(253_402_300_799_999),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (moment) => {
        const timestamp = parseTimestamp(moment.toISOString());
        const seconds = Math.floor(moment.getTime() / 1000);
        expect(timestamp).toEqual({ seconds, nanos: (moment.getTime() - seconds * 1000) * 1_000_000 });
      }),
      { numRuns: 2000 },
    );
  });

  test("survives being written", () => {
    const arbitrary = fc.record({
      seconds: fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
      nanos: fc.nat({ max: 999_999_999 }),
    });
    fc.assert(
      fc.property(arbitrary, (timestamp) => {
        expect(parseTimestamp(formatTimestamp(timestamp) ?? "")).toEqual(timestamp);
      }),
    );
  });

  test.each([
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"],
    ["2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"],
    ["2026-01-02T03:04:05.120Z", "2026-01-02T03:04:05.12Z"],
    ["2026-01-02T03:04:05.1234567899999Z", "2026-01-02T03:04:05.123456789Z"],
    ["2026-01-02T00:30:00+01:00", "2026-01-01T23:30:00Z"],
    ["2026-01-01T23:30:00-23:59", "2026-01-02T23:29:00Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"],
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"],
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
    ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"],
  ])("%s is %s", (text, canonical) => {
    const timestamp = parseTimestamp(text);
    expect(timestamp && formatTimestamp(timestamp)).toBe(canonical);
  });

  test.each([
    "",
    "2026-01-02",
    "2026-01-02T03:04Z",
    "2026-01-02 03:04:05Z",
    "2026-01-02T03:04:05",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05.1",
    "2026-01-02T03:04:05Z ",
    "2026-01-02T03:04:05ZZ",
    "2026-01-02T03:04:05+0100",
    "2026-01-02T03:04:05+24:00",
    "2026-01-02T03:04:05+01:60",
    "2026-00-02T03:04:05Z",
    "2026-13-02T03:04:05Z",
    "2026-01-00T03:04:05Z",
    "2026-04-31T03:04:05Z",
    "2025-02-29T03:04:05Z",
    "1900-02-29T03:04:05Z",
    "2026-01-02T24:04:05Z",
    "2026-01-02T03:60:05Z",
    "2026-01-02T03:04:61Z",
    "0000-12-31T23:59:59Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "+02026-01-02T03:04:05Z",
    "٢026-01-02T03:04:05Z",
  ])("is not %j", (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  test("out of range has no text", () => {
    for (const seconds of [-62_135_596_801, 253_402_300_800, 0.5, Number.NaN]) {
      expect(formatTimestamp({ seconds, nanos: 0 })).toBeUndefined();
    }
    for (const nanos of [-1, 1_000_000_000]) expect(formatTimestamp({ seconds: 0, nanos })).toBeUndefined();
  });
});
