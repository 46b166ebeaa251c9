import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "./clock.js";
import { MAX_TIMER_DELAY_MS, systemTimers } from "./timers.js";

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "Date", "performance"],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("after", () => {
  test("runs once, at its time and not before", () => {
    const callback = vi.fn<() => void>();
    systemTimers.after(100, callback);
    vi.advanceTimersByTime(99);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10_000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test.each([-1, -Infinity, 0])("counts %d as zero", (delay) => {
    const callback = vi.fn<() => void>();
    systemTimers.after(delay, callback);
    vi.advanceTimersByTime(0);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test.each([MAX_TIMER_DELAY_MS, MAX_TIMER_DELAY_MS + 1, Infinity])(
    "waits the longest a timer can for %d",
    (delay) => {
      const callback = vi.fn<() => void>();
      systemTimers.after(delay, callback);
      vi.advanceTimersByTime(MAX_TIMER_DELAY_MS - 1);
      expect(callback).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
    },
  );
});

describe("cancel", () => {
  test.each(["after", "soon"] as const)(
    "keeps the callback of %s from running, however often it is called",
    (kind) => {
      const callback = vi.fn<() => void>();
      const timer = kind === "after" ? systemTimers.after(5, callback) : systemTimers.soon(callback);
      timer.cancel();
      timer.cancel();
      vi.runAllTimers();
      expect(callback).not.toHaveBeenCalled();
    },
  );

  test("of one timer leaves the others alone, also after it fired", () => {
    const first = vi.fn<() => void>();
    const second = vi.fn<() => void>();
    const timer = systemTimers.after(1, first);
    systemTimers.after(2, second);
    vi.advanceTimersByTime(1);
    timer.cancel();
    vi.advanceTimersByTime(1);
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([1, 1]);
  });
});

test("soon comes behind what already runs, and in order", () => {
  const order: string[] = [];
  systemTimers.soon(() => order.push("one"));
  systemTimers.soon(() => order.push("two"));
  order.push("now");
  vi.runAllTimers();
  expect(order).toEqual(["now", "one", "two"]);
});

test("the clock has a time for durations and a time for people", () => {
  vi.setSystemTime(new Date("2026-01-02T03:04:05Z"));
  const startedAt = systemClock.now();
  vi.advanceTimersByTime(1500);
  expect(systemClock.now() - startedAt).toBe(1500);
  expect(systemClock.wallTime()).toBe(Date.parse("2026-01-02T03:04:06.500Z"));
  // A step of the wall clock does not disturb what is measured.
  vi.setSystemTime(new Date("2000-01-01T00:00:00Z"));
  expect(systemClock.now() - startedAt).toBe(1500);
});
