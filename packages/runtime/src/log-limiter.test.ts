import { expect, test } from "vitest";
import { LogLimiter } from "./log-limiter.js";

const LEFT_OUT = { write: false };
const written = (suppressed = 0) => ({ write: true, suppressed });

test("a burst, then one a second, and the next line tells how many were left out", () => {
  const limiter = new LogLimiter({ burst: 3, linesPerSecond: 1 });
  for (let line = 0; line < 3; line += 1) expect(limiter.judge("a", 0)).toEqual(written());
  for (let line = 0; line < 1_000; line += 1) expect(limiter.judge("a", line * 0.9)).toEqual(LEFT_OUT);
  expect(limiter.judge("a", 1_000)).toEqual(written(1_000));
  expect(limiter.judge("a", 1_999)).toEqual(LEFT_OUT);
  expect(limiter.judge("a", 2_000)).toEqual(written(1));
});

test("quiet fills the burst, and no more than that", () => {
  const limiter = new LogLimiter({ burst: 2, linesPerSecond: 1 });
  const count = (now: number): number =>
    Array.from({ length: 10 }, () => limiter.judge("a", now)).filter(({ write }) => write).length;
  expect(count(0)).toBe(2);
  expect(count(1_000_000)).toBe(2);
});

test("one key does not take the lines of another", () => {
  const limiter = new LogLimiter({ burst: 1 });
  expect(limiter.judge("a", 0)).toEqual(written());
  expect(limiter.judge("a", 0)).toEqual(LEFT_OUT);
  expect(limiter.judge("b", 0)).toEqual(written());
});

test("the table is bounded; what was left out under a key that is forgotten is still told", () => {
  const limiter = new LogLimiter({ burst: 1, maxKeys: 10 });
  limiter.judge("a", 0);
  limiter.judge("a", 0);
  limiter.judge("a", 0);
  let told = 0;
  for (let key = 0; key < 1_000; key += 1) {
    const verdict = limiter.judge(`k${key}`, 0);
    if (verdict.write) told += verdict.suppressed;
  }
  expect(limiter.size).toBe(10);
  expect(told).toBe(2);
});

test("a line that a limit of the caller's leaves out costs no token, and is counted", () => {
  const limiter = new LogLimiter({ burst: 1 });
  expect(limiter.judge("a", 0, () => false)).toEqual(LEFT_OUT);
  expect(limiter.judge("a", 0)).toEqual(written(1));
});
