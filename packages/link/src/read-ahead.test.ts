import { expect, test } from "vitest";
import { ReadAhead } from "./read-ahead.js";

test("one session takes up to its own share, twice as much where all of it stands still", () => {
  const readAhead = new ReadAhead({ totalBytes: 1_000, sessionBytes: 100 });
  expect(readAhead.allowance(0, false)).toBe(100);
  expect(readAhead.allowance(60, false)).toBe(40);
  expect(readAhead.allowance(130, false)).toBe(0);
  expect(readAhead.allowance(130, true)).toBe(70);
});

test("the sum stays within the total, however many sessions take what they may", () => {
  const readAhead = new ReadAhead({ totalBytes: 1_000, sessionBytes: 100 });
  let last = 100;
  for (let session = 0; session < 200; session += 1) {
    const taken = readAhead.allowance(0, false);
    expect(taken).toBeLessThanOrEqual(last);
    readAhead.changed(taken);
    last = taken;
  }
  expect(readAhead.heldBytes).toBeGreaterThan(900);
  expect(readAhead.heldBytes).toBeLessThanOrEqual(1_000);
  readAhead.changed(-500);
  expect(readAhead.allowance(0, false)).toBe(100);
});
