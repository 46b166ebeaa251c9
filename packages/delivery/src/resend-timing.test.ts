import { expect, test } from "vitest";
import { DEFAULT_RESEND_TIMING, resolveResendTiming } from "./resend-timing.js";

test("what is not said is the default", () => {
  expect(resolveResendTiming()).toEqual(DEFAULT_RESEND_TIMING);
  expect(resolveResendTiming({ maxTimeoutMs: 3_000 })).toEqual({
    ...DEFAULT_RESEND_TIMING,
    maxTimeoutMs: 3_000,
  });
});

test("a first timeout below the usual floor is the floor as well", () => {
  expect(resolveResendTiming({ initialTimeoutMs: 10 })).toMatchObject({
    initialTimeoutMs: 10,
    minTimeoutMs: 10,
    maxTimeoutMs: 120_000,
  });
  expect(resolveResendTiming({ initialTimeoutMs: 2_000 }).minTimeoutMs).toBe(1_000);
});

test.each([
  { partial: { minTimeoutMs: 0 }, names: "minTimeoutMs" },
  { partial: { initialTimeoutMs: Number.NaN }, names: "initialTimeoutMs" },
  { partial: { maxTimeoutMs: Number.POSITIVE_INFINITY }, names: "maxTimeoutMs" },
  { partial: { minTimeoutMs: 9 }, names: "10 ms or more" },
  { partial: { initialTimeoutMs: 9 }, names: "10 ms or more" },
  { partial: { initialTimeoutMs: 50, minTimeoutMs: 51 }, names: "minTimeoutMs" },
  { partial: { minTimeoutMs: 3_001 }, names: "initialTimeoutMs" },
  { partial: { maxTimeoutMs: 2_999 }, names: "maxTimeoutMs" },
  { partial: { minNackBackoffMs: 120_001 }, names: "maxNackBackoffMs" },
])("$partial is refused by name", ({ partial, names }) => {
  expect(() => resolveResendTiming(partial)).toThrow(
    expect.objectContaining({ code: "invalid_config", message: expect.stringContaining(names) }),
  );
});
