import { expect, it } from "vitest";
import { TokenBucket } from "./token-bucket.js";

it("gives its burst at once, then as much as the rate says", () => {
  const bucket = new TokenBucket(() => 10, 3, 0);
  expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([true, true, true, false]);
  expect(bucket.take(99)).toBe(false);
  expect(bucket.take(100)).toBe(true);
  expect(bucket.take(150)).toBe(false);
});

it("tells when the next token is there, and there it is", () => {
  const bucket = new TokenBucket(() => 8, 1, 0);
  bucket.take(0);
  const at = bucket.nextAtMs(40);
  expect(at).toBeCloseTo(125);
  expect(bucket.take(at - 0.01)).toBe(false);
  expect(bucket.take(at)).toBe(true);
});

it("does not make up for more than its burst after a long pause", () => {
  const bucket = new TokenBucket(() => 1_000, 5, 0);
  let taken = 0;
  while (bucket.take(60_000)) taken += 1;
  expect(taken).toBe(5);
});

it("follows a rate that rises: the area under the ramp, not its end", () => {
  const bucket = new TokenBucket((atMs) => (atMs / 1_000) * 100, 1_000, 0);
  bucket.empty(0);
  let taken = 0;
  while (bucket.take(1_000)) taken += 1;
  expect(taken).toBe(50);
});

it("loses what lies above a smaller burst", () => {
  const bucket = new TokenBucket(() => 1, 10, 0);
  bucket.setBurst(2, 0);
  expect([1, 2, 3].map(() => bucket.take(0))).toEqual([true, true, false]);
});

it.each([3, 7, 11, 20, 300])("has a token at the time it told, at a rate of %d read at odd times", (rate) => {
  for (let odd = 1; odd < 100; odd += 1) {
    const bucket = new TokenBucket(() => rate, 1, 0);
    bucket.take(0);
    let at = 0;
    for (let now = 0; now < 900 / rate; now += odd / 7) at = bucket.nextAtMs(now);
    expect(bucket.take(at), `odd ${odd}`).toBe(true);
  }
});
