import { expect, test } from "vitest";
import { fullJitter } from "./full-jitter.js";

const backoff = { floorMs: 250, baseMs: 250, factor: 2, capMs: 120_000 };
const always = (value: number) => ({ next: () => value, uuid: () => "" });
const ALMOST_ONE = 1 - Number.EPSILON;

test.each([
  { attempt: 1, ceiling: 500 },
  { attempt: 2, ceiling: 1_000 },
  { attempt: 8, ceiling: 64_000 },
  { attempt: 9, ceiling: 120_000 },
  { attempt: 5_000, ceiling: 120_000 },
])("attempt $attempt lies between the floor and $ceiling", ({ attempt, ceiling }) => {
  expect(fullJitter(always(0), backoff, attempt)).toBe(250);
  expect(fullJitter(always(0.5), backoff, attempt)).toBe(250 + (ceiling - 250) / 2);
  expect(fullJitter(always(ALMOST_ONE), backoff, attempt)).toBeLessThanOrEqual(ceiling);
});

test("a ceiling below the floor leaves the floor", () => {
  expect(fullJitter(always(0.5), { ...backoff, floorMs: 1_000 }, 1)).toBe(1_000);
});
