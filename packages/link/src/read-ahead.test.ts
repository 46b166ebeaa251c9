import { expect, test } from "vitest";
import { DEFAULT_READ_AHEAD_BYTES, MIN_SESSION_BYTES, ReadAhead } from "./read-ahead.js";

const MIB = 1_048_576;

test("one session takes up to its own share, twice as much where all of it stands still", () => {
  const readAhead = new ReadAhead({ totalBytes: 100 * MIB, sessionBytes: 10 * MIB });
  expect(readAhead.allowance(0, false)).toBe(10 * MIB);
  expect(readAhead.allowance(6 * MIB, false)).toBe(4 * MIB);
  expect(readAhead.allowance(13 * MIB, false)).toBe(0);
  expect(readAhead.allowance(13 * MIB, true)).toBe(7 * MIB);
});

test("the sum stays within the total and the least of each session, however many take what they may", () => {
  const readAhead = new ReadAhead({ totalBytes: 100 * MIB, sessionBytes: 10 * MIB });
  let last = 10 * MIB;
  for (let session = 0; session < 200; session += 1) {
    const taken = readAhead.allowance(0, false);
    expect(taken).toBeLessThanOrEqual(last);
    expect(taken).toBeGreaterThanOrEqual(readAhead.leastBytes);
    readAhead.changed(taken);
    last = taken;
  }
  expect(readAhead.heldBytes).toBeGreaterThan(90 * MIB);
  expect(readAhead.heldBytes).toBeLessThanOrEqual(100 * MIB + 200 * readAhead.leastBytes);
  readAhead.changed(-60 * MIB);
  expect(readAhead.allowance(0, false)).toBeGreaterThan(5 * MIB);
});

test("a session has its least when the others hold everything, and when its window is small", () => {
  const full = new ReadAhead();
  full.changed(2 * DEFAULT_READ_AHEAD_BYTES);
  const small = new ReadAhead({ sessionBytes: 1 });
  for (const readAhead of [full, small]) {
    expect(readAhead.allowance(0, false)).toBe(MIN_SESSION_BYTES);
    expect(readAhead.allowance(1_000, false)).toBe(MIN_SESSION_BYTES - 1_000);
    expect(readAhead.allowance(MIN_SESSION_BYTES, false)).toBe(0);
    expect(readAhead.allowance(MIN_SESSION_BYTES, true)).toBe(MIN_SESSION_BYTES);
  }
});

test("the least of a session is a small share of what all may hold, so that thousands do not come to much more", () => {
  for (const totalBytes of [1, 4_096, 10 * MIB, DEFAULT_READ_AHEAD_BYTES, 100 * DEFAULT_READ_AHEAD_BYTES]) {
    const { leastBytes, minReadBytes } = new ReadAhead({ totalBytes });
    expect(leastBytes).toBeLessThanOrEqual(Math.max(1, totalBytes / 4_096));
    expect(leastBytes).toBeLessThanOrEqual(MIN_SESSION_BYTES);
    expect(minReadBytes).toBeLessThanOrEqual(leastBytes);
    expect(minReadBytes).toBeGreaterThan(0);
  }
});
