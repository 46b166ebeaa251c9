import { expect, test } from "vitest";
import { DEFAULT_RESEND_TIMING, resolveResendTiming } from "./resend-timing.js";

test("what is not said is the default", () => {
  expect(resolveResendTiming()).toEqual(DEFAULT_RESEND_TIMING);
  expect(resolveResendTiming({ maxTimeoutMs: 3_000 })).toEqual({
    ...DEFAULT_RESEND_TIMING,
    maxTimeoutMs: 3_000,
  });
});

test.each([
  { partial: { minTimeoutMs: 0 }, names: "minTimeoutMs" },
  { partial: { initialTimeoutMs: Number.NaN }, names: "initialTimeoutMs" },
  { partial: { maxTimeoutMs: Number.POSITIVE_INFINITY }, names: "maxTimeoutMs" },
  { partial: { minTimeoutMs: 3_001 }, names: "initialTimeoutMs" },
  { partial: { maxTimeoutMs: 2_999 }, names: "maxTimeoutMs" },
  { partial: { minNackBackoffMs: 120_001 }, names: "maxNackBackoffMs" },
])("$partial is refused by name", ({ partial, names }) => {
  expect(() => resolveResendTiming(partial)).toThrow(
    expect.objectContaining({ code: "invalid_config", message: expect.stringContaining(names) }),
  );
});
